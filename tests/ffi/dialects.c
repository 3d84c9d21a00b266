/* The header in whatever language a program is written in: this one is C of
 * 1989 and C++ at the same time. */

#include <pct.h>
#include <pct.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    static const char config[] = "hostname: web\n";
    pct_ctx_options options;
    pct_ctx *ctx = NULL;
    pct_error *err = NULL;
    char *text = NULL;
    bool known = pct_has_feature("config");
    uint64_t total = PCT_TOTAL_UNKNOWN;

    if (!known || total != ~(uint64_t)0)
        return 1;
    if (pct_config_parse(config, sizeof config - 1, 100, &text, &err) != PCT_OK || err != NULL)
        return 2;
    if (strstr(text, "\"hostname\":\"web\"") == NULL)
        return 3;
    pct_string_free(text);
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.root = "relative";
    if (pct_ctx_new(&options, &ctx, &err) == PCT_OK || ctx != NULL || pct_error_message(err)[0] == '\0')
        return 4;
    pct_error_free(err);
    puts("ok");
    return 0;
}
