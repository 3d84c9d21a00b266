/* Checks for C programs under test. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pct.h>

/* Ends the program with the place and the text of what is not so. */
#define CHECK(condition)                                                         \
    do {                                                                         \
        if (!(condition)) {                                                      \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                             \
        }                                                                        \
    } while (0)

/* Ends the program unless a call succeeded. */
#define OK(call) check_ok(__FILE__, __LINE__, #call, (call), &err)

static inline void check_ok(const char *file, int line, const char *call, pct_status status, pct_error **err)
{
    if (status != PCT_OK || *err != NULL) {
        fprintf(stderr, "%s:%d: %s: %d %s: %s\n", file, line, call, (int)status, pct_status_name(status),
                pct_error_message(*err));
        exit(1);
    }
}

/* Ends the program unless a call failed with this status and an error object
 * whose message has this in it; frees the object. */
#define FAILS(call, want, part) check_fails(__FILE__, __LINE__, #call, (call), (want), (part), &err)

static inline void check_fails(const char *file, int line, const char *call, pct_status status, pct_status want,
                               const char *part, pct_error **err)
{
    if (status != want || pct_error_status(*err) != want || strstr(pct_error_message(*err), part) == NULL) {
        fprintf(stderr, "%s:%d: %s: %d instead of %d, or not '%s': %s\n", file, line, call, (int)status,
                (int)want, part, pct_error_message(*err));
        exit(1);
    }
    pct_error_free(*err);
    *err = NULL;
}

/* Whether a call has given a text with this in it; frees it. */
static inline bool has(char *text, const char *part)
{
    bool found = text != NULL && strstr(text, part) != NULL;

    if (!found)
        fprintf(stderr, "no '%s' in %s\n", part, text == NULL ? "NULL" : text);
    pct_string_free(text);
    return found;
}

/* The context that all tests use. */
static inline pct_ctx *open_context(const char *root, const char *helper)
{
    pct_ctx_options options;
    pct_ctx *ctx = NULL;
    pct_error *err = NULL;

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.root = root;
    options.helper = helper;
    OK(pct_ctx_new(&options, &ctx, &err));
    CHECK(ctx != NULL);
    return ctx;
}

#endif
