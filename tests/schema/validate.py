"""Tells what a JSON Schema (draft 2020-12) says of some values.

Standard input is a JSON object: each of `schemas` is checked against the
meta-schema, each of `values` against the first of them. Standard output is a
JSON array: for each value the list of complaints, empty for a valid one.
"""

import json
import sys

from jsonschema import Draft202012Validator

given = json.load(sys.stdin)
for schema in given["schemas"]:
    Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(given["schemas"][0])
json.dump([[error.message for error in validator.iter_errors(value)] for value in given["values"]], sys.stdout)
