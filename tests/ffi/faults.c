/* A program with a fault that a memory checker has to find, to show that it
 * sees what the library allocates.
 *
 * Argument: none, leak or use. */

#include <pct.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    static char *text;
    const char *fault = argc == 2 ? argv[1] : "";

    if (pct_config_parse("", 0, 100, &text, NULL) != PCT_OK)
        return 2;
    if (strcmp(fault, "leak") == 0) {
        text = NULL;
        return 0;
    }
    pct_string_free(text);
    if (strcmp(fault, "use") == 0)
        printf("%c\n", text[0]);
    return 0;
}
