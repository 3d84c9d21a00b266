/* The log of a context hears what no callback of a call does.
 *
 * Arguments: a root directory with the configuration of container 9001, which
 * has a line with the key mistyped, and a volume of it that it does not name;
 * and the path of pct-helper. */

#include <syslog.h>

#include "check.h"

struct heard {
    int warnings, others;
    char last[512];
};

static void hear(void *user, int priority, const char *text)
{
    struct heard *heard = user;

    if (priority == LOG_WARNING)
        heard->warnings++;
    else if (priority == LOG_INFO)
        heard->others++;
    else
        abort();
    snprintf(heard->last, sizeof heard->last, "%s", text);
}

static int count(void *user, const char *text)
{
    CHECK(strstr(text, "mistyped") == NULL);
    ++*(int *)user;
    return 0;
}

int main(int argc, char **argv)
{
    struct heard heard;
    pct_ctx_options options;
    pct_rescan_options rescan;
    pct_progress progress;
    pct_error *err = NULL;
    pct_ctx *ctx = NULL;
    char *text = NULL;
    int messages = 0;

    if (argc != 3)
        return 2;
    memset(&heard, 0, sizeof heard);
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.root = argv[1];
    options.helper = argv[2];
    options.log = hear;
    options.log_user = &heard;
    OK(pct_ctx_new(&options, &ctx, &err));
    /* A call that has no callbacks. */
    OK(pct_container_config_text(ctx, 9001, NULL, &text, &err));
    pct_string_free(text);
    CHECK(heard.warnings == 1 && heard.others == 0 && strstr(heard.last, "mistyped") != NULL);

    /* One that could have some. */
    memset(&rescan, 0, sizeof rescan);
    rescan.struct_size = sizeof rescan;
    rescan.dry_run = 1;
    OK(pct_container_rescan(ctx, 9001, &rescan, NULL, &err));
    CHECK(heard.warnings == 2 && heard.others > 0 && strstr(heard.last, "disk-7") != NULL);

    /* One that has: what is wrong with the file is told once, to the log. */
    memset(&heard, 0, sizeof heard);
    memset(&progress, 0, sizeof progress);
    progress.struct_size = sizeof progress;
    progress.user = &messages;
    progress.message = count;
    progress.warning = count;
    OK(pct_container_rescan(ctx, 9001, &rescan, &progress, &err));
    CHECK(heard.warnings == 1 && heard.others == 0 && messages > 0);
    pct_ctx_free(ctx);
    puts("ok");
    return 0;
}
