/* Says what is wrong with the configuration of a container, as compilers do:
 * file:line:column: severity: message. No container is needed, and no root.
 *
 * Usage: lint [-t [-H <host.json>] [-p <pct-helper>]] [<vmid>.conf]
 *
 * Without a file it reads standard input. -t prints what the configuration
 * becomes for liblxc, on this host or on one that a JSON file describes. The
 * exit status is 0 when there are no errors, 1 when there are, and 2 when the
 * file cannot be looked at, or not be translated.
 *
 * Build: cc lint.c $(pkg-config --cflags --libs pct jansson) -o lint */

#define _POSIX_C_SOURCE 200809L /* getopt */

#include <jansson.h>
#include <pct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LARGEST = 1 << 20 }; /* that pct_config_parse takes */

/* A whole file, with a NUL behind it that is not counted. */
struct file {
    const char *name;
    size_t size;
    char text[LARGEST + 2];
};

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static void check(const struct file *file, pct_status status, pct_error **err)
{
    if (status == PCT_OK)
        return;
    fprintf(stderr, "%s: %s\n", file->name, *err != NULL ? pct_error_message(*err) : pct_status_str(status));
    exit(2);
}

/* One byte more than is allowed, so that the library says what is too long. */
static void load(struct file *file, const char *path)
{
    FILE *from = path == NULL ? stdin : fopen(path, "rb");

    file->name = path == NULL ? "-" : path;
    if (from == NULL)
        die(path);
    file->size = fread(file->text, 1, LARGEST + 1, from);
    if (ferror(from))
        die(file->name);
    if (from != stdin)
        fclose(from);
}

/* The number in a name such as /etc/pct/lxc/101.conf; any other will do. */
static uint32_t vmid_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    unsigned long vmid = strtoul(slash == NULL ? path : slash + 1, NULL, 10);

    return vmid >= 100 && vmid <= 999999999 ? (uint32_t)vmid : 100;
}

/* Prints what is found; how many of it are errors. */
static int lint(const struct file *file, uint32_t vmid)
{
    pct_error *err = NULL;
    json_t *parsed, *finding;
    char *text = NULL;
    size_t index;
    int errors = 0;

    check(file, pct_config_parse(file->text, file->size, vmid, &text, &err), &err);
    parsed = json_loads(text, JSON_ALLOW_NUL, NULL);
    pct_string_free(text);
    if (parsed == NULL)
        die("json_loads");
    json_array_foreach(json_object_get(parsed, "findings"), index, finding) {
        const char *severity = json_string_value(json_object_get(finding, "severity"));
        const char *help = json_string_value(json_object_get(finding, "help"));

        printf("%s:%d:%d: %s: %s\n", file->name, (int)json_integer_value(json_object_get(finding, "line")),
               (int)json_integer_value(json_object_get(finding, "column")), severity,
               json_string_value(json_object_get(finding, "message")));
        if (help != NULL)
            printf("    %s\n", help);
        errors += strcmp(severity, "error") == 0;
    }
    json_decref(parsed);
    return errors;
}

static int warning(void *user, const char *text)
{
    const struct file *file = user;

    fprintf(stderr, "%s: warning: %s\n", file->name, text);
    return 0;
}

/* Prints the file for liblxc, and the profile of seccomp when there is one. */
static void translate(struct file *file, uint32_t vmid, const char *host, const char *helper)
{
    pct_ctx_options where = {.struct_size = sizeof where, .helper = helper};
    pct_progress progress = {.struct_size = sizeof progress, .user = file, .warning = warning};
    pct_ctx *ctx = NULL;
    pct_error *err = NULL;
    char *text = NULL, *seccomp = NULL;

    check(file, pct_ctx_new(&where, &ctx, &err), &err);
    check(file, pct_config_to_lxc(ctx, vmid, file->text, file->size, host, &progress, &text, &seccomp, &err), &err);
    fputs(text, stdout);
    if (seccomp != NULL)
        printf("\n# seccomp\n%s", seccomp);
    pct_string_free(seccomp);
    pct_string_free(text);
    pct_ctx_free(ctx);
}

static int usage(void)
{
    fprintf(stderr, "usage: lint [-t [-H <host.json>] [-p <pct-helper>]] [<vmid>.conf]\n");
    return 2;
}

int main(int argc, char **argv)
{
    static struct file config, host; /* zero: a NUL is behind each */
    const char *helper = NULL;
    bool to_lxc = false;
    uint32_t vmid;
    int option;

    while ((option = getopt(argc, argv, "tH:p:")) != -1) {
        if (option == 't')
            to_lxc = true;
        else if (option == 'H')
            load(&host, optarg);
        else if (option == 'p')
            helper = optarg;
        else
            return usage();
    }
    if (optind + 1 < argc)
        return usage();
    load(&config, argv[optind]);
    vmid = vmid_of(config.name);
    if (to_lxc) {
        translate(&config, vmid, host.name == NULL ? NULL : host.text, helper);
        return 0;
    }
    return lint(&config, vmid) == 0 ? 0 : 1;
}
