/* What the preamble of pct.h promises, as far as it needs no running container.
 *
 * Arguments: a root directory whose only configuration is that of container
 * 9001, and the path of pct-helper. */

#include <fcntl.h>
#include <unistd.h>

#include "check.h"

static void version(void)
{
    char text[32];

    snprintf(text, sizeof text, "%d.%d.%d", PCT_VERSION_MAJOR, PCT_VERSION_MINOR, PCT_VERSION_PATCH);
    CHECK(strcmp(text, pct_version()) == 0);
    CHECK(pct_has_feature("lifecycle") && pct_has_feature("json") && pct_has_feature("change"));
    CHECK(!pct_has_feature("teleport") && !pct_has_feature("") && !pct_has_feature(NULL));
}

static void nothing_to_free(void)
{
    pct_string_free(NULL);
    pct_error_free(NULL);
    pct_ctx_free(NULL);
    CHECK(pct_error_status(NULL) == PCT_OK && pct_error_errno(NULL) == 0 && pct_error_vmid(NULL) == 0);
    CHECK(strcmp(pct_error_message(NULL), "") == 0 && strcmp(pct_error_kind(NULL), "ok") == 0);
    CHECK(strcmp(pct_status_name(PCT_E_NOT_FOUND), "not-found") == 0);
    CHECK(strcmp(pct_status_str(-7), "unknown status") == 0);
}

static void null_pointers(pct_ctx *ctx)
{
    pct_error *err = NULL;
    char *text = (char *)ctx;
    int exit_status = 7;
    bool running = true;
    static const char *const argv[] = {"true", NULL};
    pct_create_options create;

    FAILS(pct_ctx_new(NULL, NULL, &err), PCT_E_NULL, "out is NULL");
    FAILS(pct_list_json(NULL, &text, &err), PCT_E_NULL, "ctx is NULL");
    CHECK(text == NULL);
    FAILS(pct_list_json(ctx, NULL, &err), PCT_E_NULL, "out is NULL");
    FAILS(pct_container_start(NULL, 9001, NULL, NULL, &err), PCT_E_NULL, "ctx");
    FAILS(pct_container_is_running(ctx, 9001, NULL, &err), PCT_E_NULL, "out");
    FAILS(pct_container_is_running(NULL, 9001, &running, &err), PCT_E_NULL, "ctx");
    CHECK(!running);
    FAILS(pct_container_exec_wait(ctx, 9001, NULL, NULL, &exit_status, &err), PCT_E_NULL, "argv");
    CHECK(exit_status == -1);
    FAILS(pct_container_exec_wait(ctx, 9001, argv, NULL, NULL, &err), PCT_E_NULL, "exit_status");
    FAILS(pct_container_exec(ctx, 9001, argv, NULL, NULL, NULL, &err), PCT_E_NULL, "pid");
    FAILS(pct_container_create(ctx, 9002, NULL, NULL, &err), PCT_E_NULL, "options");
    memset(&create, 0, sizeof create);
    create.struct_size = sizeof create;
    FAILS(pct_container_create(ctx, 9002, &create, NULL, &err), PCT_E_NULL, "ostemplate");
    /* Whoever does not want to know why need not. */
    CHECK(pct_container_start(ctx, 9002, NULL, NULL, NULL) != PCT_OK);
    CHECK(pct_list_json(ctx, NULL, NULL) == PCT_E_NULL);
}

/* As a later release might have it. */
struct longer_options {
    pct_stop_options known;
    void *unknown;
};

static void struct_sizes(pct_ctx *ctx)
{
    pct_error *err = NULL;
    pct_stop_options stop;
    struct longer_options longer;
    pct_progress progress;
    size_t only_size = sizeof(size_t);

    memset(&stop, 0, sizeof stop);
    FAILS(pct_container_stop(ctx, 9001, &stop, NULL, &err), PCT_E_STRUCT, "struct_size is not set");
    stop.struct_size = sizeof stop + 1;
    FAILS(pct_container_stop(ctx, 9001, &stop, NULL, &err), PCT_E_STRUCT, "which no release has");
    stop.struct_size = (size_t)-8;
    FAILS(pct_container_stop(ctx, 9001, &stop, NULL, &err), PCT_E_STRUCT, "which no release has");
    stop.struct_size = sizeof stop;
    stop.reserved = 1;
    FAILS(pct_container_stop(ctx, 9001, &stop, NULL, &err), PCT_E_STRUCT, "reserved is 1");
    stop.reserved = 0;
    FAILS(pct_container_stop(ctx, 9001, &stop, NULL, &err), PCT_E_NOT_RUNNING, "CT 9001 not running");

    /* Older: nothing but its size, and valgrind sees that no more is read. */
    {
        void *shortest = malloc(only_size);
        CHECK(shortest != NULL);
        memcpy(shortest, &only_size, only_size);
        FAILS(pct_container_stop(ctx, 9001, (const pct_stop_options *)shortest, NULL, &err),
              PCT_E_NOT_RUNNING, "CT 9001 not running");
        free(shortest);
    }
    /* Newer. */
    memset(&longer, 0, sizeof longer);
    longer.known.struct_size = sizeof longer;
    FAILS(pct_container_stop(ctx, 9001, &longer.known, NULL, &err), PCT_E_NOT_RUNNING, "not running");
    longer.unknown = &longer;
    FAILS(pct_container_stop(ctx, 9001, &longer.known, NULL, &err), PCT_E_TOO_BIG, "does not know");

    memset(&progress, 0, sizeof progress);
    FAILS(pct_container_stop(ctx, 9001, NULL, &progress, &err), PCT_E_STRUCT, "pct_progress");
    progress.struct_size = sizeof progress;
    FAILS(pct_container_stop(ctx, 9001, NULL, &progress, &err), PCT_E_NOT_RUNNING, "not running");
}

static void errors(pct_ctx *ctx)
{
    pct_error *err = NULL;
    char *text = (char *)ctx;

    CHECK(pct_container_status_json(ctx, 9002, &text, &err) == PCT_E_NOT_FOUND);
    CHECK(text == NULL && err != NULL);
    CHECK(pct_error_status(err) == PCT_E_NOT_FOUND && pct_error_vmid(err) == 9002);
    CHECK(strcmp(pct_error_kind(err), "not-found") == 0);
    CHECK(strstr(pct_error_message(err), "lxc/9002.conf' does not exist") != NULL);
    pct_error_free(err);

    FAILS(pct_container_start(ctx, 99, NULL, NULL, &err), PCT_E_PARAMETER, "invalid vmid 99");
    FAILS(pct_container_start(ctx, 1000000000, NULL, NULL, &err), PCT_E_PARAMETER, "invalid vmid");
    /* A success clears the pointer. */
    err = (pct_error *)ctx;
    OK(pct_list_json(ctx, &text, &err));
    pct_string_free(text);
}

static void bad_root(void)
{
    pct_ctx_options options;
    pct_error *err = NULL;
    pct_ctx *ctx = (pct_ctx *)&options;

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.root = "relative/path";
    CHECK(pct_ctx_new(&options, &ctx, &err) != PCT_OK && ctx == NULL);
    CHECK(strstr(pct_error_message(err), "'relative/path'") != NULL && pct_error_vmid(err) == 0);
    pct_error_free(err);
    /* Bytes that are no UTF-8 are a fault of the path, not of the string. */
    options.root = "/no\xff/utf8";
    CHECK(pct_ctx_new(&options, &ctx, &err) != PCT_E_UTF8);
    CHECK(strstr(pct_error_message(err), "root prefix") != NULL);
    pct_error_free(err);
}

static void utf8(pct_ctx *ctx)
{
    static const char *const not_utf8[] = {"hostname=ok", "description=\xc3\x28", NULL};
    static const char *const no_value[] = {"hostname", NULL};
    static const char *const unknown[] = {"colour=red", NULL};
    pct_create_options create;
    pct_config_options config;
    pct_error *err = NULL;
    char *text = NULL;

    memset(&create, 0, sizeof create);
    create.struct_size = sizeof create;
    create.ostemplate = "/none.tar";
    create.config = not_utf8;
    FAILS(pct_container_create(ctx, 9002, &create, NULL, &err), PCT_E_UTF8, "description=");
    create.config = no_value;
    FAILS(pct_container_create(ctx, 9002, &create, NULL, &err), PCT_E_PARAMETER, "key=value");
    create.config = unknown;
    FAILS(pct_container_create(ctx, 9002, &create, NULL, &err), PCT_E_PARAMETER, "colour: unknown option");
    create.config = NULL;
    create.password = "caf\xe9!";
    FAILS(pct_container_create(ctx, 9002, &create, NULL, &err), PCT_E_UTF8, "password is not UTF-8 at byte 3");
    create.password = NULL;
    FAILS(pct_container_create(ctx, 9001, &create, NULL, &err), PCT_E_EXISTS, "already exists");

    memset(&config, 0, sizeof config);
    config.struct_size = sizeof config;
    config.snapshot = "\x80";
    FAILS(pct_container_config_text(ctx, 9001, &config, &text, &err), PCT_E_UTF8, "snapshot");
}

static void configuration(pct_ctx *ctx)
{
    pct_config_options options;
    pct_error *err = NULL;
    char *text = NULL;

    OK(pct_container_config_text(ctx, 9001, NULL, &text, &err));
    CHECK(strcmp(text, "arch: amd64\ndescription: na%C3%AFve%0A\nhostname: new\nmemory: 256\n"
                       "rootfs: local:9001/vm-9001-disk-0.raw,size=1G\nlxc.cap.drop: sys_time\n") == 0);
    pct_string_free(text);
    OK(pct_container_config_json(ctx, 9001, NULL, &text, &err));
    CHECK(strcmp(text, "{\"arch\":\"amd64\",\"description\":\"na\xc3\xafve\\n\","
                       "\"digest\":\"ecc6c5e2f9cc23f5fa16c827fde68fe08fc87b8b\",\"hostname\":\"new\","
                       "\"lxc\":[[\"lxc.cap.drop\",\"sys_time\"]],\"memory\":256,"
                       "\"rootfs\":\"local:9001/vm-9001-disk-0.raw,size=1G\"}") == 0);
    pct_string_free(text);

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.current = 1;
    OK(pct_container_config_text(ctx, 9001, &options, &text, &err));
    CHECK(strstr(text, "\nhostname: old\n") != NULL);
    pct_string_free(text);
    options.snapshot = "one";
    FAILS(pct_container_config_text(ctx, 9001, &options, &text, &err), PCT_E_PARAMETER, "together");
    options.current = 0;
    OK(pct_container_config_text(ctx, 9001, &options, &text, &err));
    CHECK(strstr(text, "\nhostname: snap\n") != NULL);
    pct_string_free(text);
    options.snapshot = "two";
    FAILS(pct_container_config_json(ctx, 9001, &options, &text, &err), PCT_E_NOT_FOUND, "'two'");
    CHECK(text == NULL);
}

static void changes(pct_ctx *ctx)
{
    static const char *const not_utf8[] = {"hostname=\xff", NULL};
    static const char *const no_value[] = {"hostname", NULL};
    static const char *const too_much[] = {"memory=lots", "colour=red", NULL};
    static const char *const valid[] = {"memory=512", NULL};
    static const char *const bad_key[] = {"memory", "\x80", NULL};
    pct_set_options set;
    pct_rescan_options rescan;
    pct_error *err = NULL;
    char *text = (char *)ctx;

    FAILS(pct_container_set(ctx, 9001, NULL, NULL, &err), PCT_E_PARAMETER, "no options specified");
    memset(&set, 0, sizeof set);
    FAILS(pct_container_set(ctx, 9001, &set, NULL, &err), PCT_E_STRUCT, "pct_set_options: struct_size is not set");
    set.struct_size = sizeof set;
    set.set = not_utf8;
    FAILS(pct_container_set(ctx, 9001, &set, NULL, &err), PCT_E_UTF8, "set 'hostname=");
    set.set = no_value;
    FAILS(pct_container_set(ctx, 9001, &set, NULL, &err), PCT_E_PARAMETER, "set 'hostname' is not of the form key=value");
    set.set = too_much;
    FAILS(pct_container_set(ctx, 9001, &set, NULL, &err), PCT_E_PARAMETER, "colour");
    set.set = valid;
    FAILS(pct_container_set(ctx, 9002, &set, NULL, &err), PCT_E_NOT_FOUND, "9002.conf");
    set.digest = "0000000000000000000000000000000000000000";
    FAILS(pct_container_set(ctx, 9001, &set, NULL, &err), PCT_E_REFUSED, "detected modified configuration");
    set.digest = "\xc0";
    FAILS(pct_container_set(ctx, 9001, &set, NULL, &err), PCT_E_UTF8, "digest");
    set.digest = NULL;
    set.unset = bad_key;
    FAILS(pct_container_set(ctx, 9001, &set, NULL, &err), PCT_E_UTF8, "unset");
    set.unset = NULL;
    set.revert = bad_key;
    FAILS(pct_container_set(ctx, 9001, &set, NULL, &err), PCT_E_UTF8, "revert");

    FAILS(pct_container_pending_json(ctx, 9001, NULL, &err), PCT_E_NULL, "out");
    FAILS(pct_container_pending_json(ctx, 9002, &text, &err), PCT_E_NOT_FOUND, "9002.conf");
    CHECK(text == NULL);
    OK(pct_container_pending_json(ctx, 9001, &text, &err));
    CHECK(strstr(text, "{\"key\":\"hostname\",\"pending\":\"new\",\"value\":\"old\"}") != NULL);
    pct_string_free(text);

    memset(&rescan, 0, sizeof rescan);
    rescan.struct_size = sizeof rescan;
    rescan.reserved = 1;
    FAILS(pct_container_rescan(ctx, 9001, &rescan, NULL, &err), PCT_E_STRUCT, "reserved is 1");
    FAILS(pct_container_rescan(ctx, 9002, NULL, NULL, &err), PCT_E_NOT_FOUND, "9002.conf");
    FAILS(pct_container_mount(ctx, 9001, NULL, NULL, &err), PCT_E_NULL, "path");
    FAILS(pct_container_mount(ctx, 9002, NULL, &text, &err), PCT_E_NOT_FOUND, "9002.conf");
    FAILS(pct_container_df_json(ctx, 9001, NULL, NULL, &err), PCT_E_NULL, "out");
    FAILS(pct_container_resize(ctx, 9001, NULL, "1G", NULL, NULL, &err), PCT_E_NULL, "disk");
    FAILS(pct_container_resize(ctx, 9001, "rootfs", NULL, NULL, NULL, &err), PCT_E_NULL, "size");
    FAILS(pct_rescan(ctx, NULL, NULL, NULL, &err), PCT_E_NULL, "failed");
    FAILS(pct_rescan(ctx, &rescan, NULL, &text, &err), PCT_E_STRUCT, "reserved is 1");
    CHECK(text == NULL);
}

static void state(pct_ctx *ctx)
{
    pct_error *err = NULL;
    char *list = NULL, *status = NULL;
    bool running = true;

    OK(pct_container_status_json(ctx, 9001, &status, &err));
    CHECK(strstr(status, "\"status\":\"stopped\"") != NULL && strstr(status, "\"maxmem\":268435456,") != NULL);
    OK(pct_list_json(ctx, &list, &err));
    CHECK(strlen(list) == strlen(status) + 2 && strncmp(list + 1, status, strlen(status)) == 0);
    pct_string_free(status);
    pct_string_free(list);
    OK(pct_container_is_running(ctx, 9001, &running, &err));
    CHECK(!running);
}

static void not_running(pct_ctx *ctx)
{
    static const char *const argv[] = {"true", NULL};
    pct_exec_options exec;
    pct_console_options console;
    pct_error *err = NULL;
    int exit_status = 7, pidfd = 7, closed;
    int32_t pid = 7;

    FAILS(pct_container_exec_wait(ctx, 9001, argv, NULL, &exit_status, &err), PCT_E_NOT_RUNNING,
          "container '9001' not running!");
    FAILS(pct_container_enter_wait(ctx, 9001, NULL, &exit_status, &err), PCT_E_NOT_RUNNING, "not running!");
    FAILS(pct_container_exec(ctx, 9001, argv, NULL, &pid, &pidfd, &err), PCT_E_NOT_RUNNING, "not running!");
    CHECK(exit_status == -1 && pid == -1 && pidfd == -1);

    closed = dup(1);
    close(closed);
    memset(&exec, 0, sizeof exec);
    exec.struct_size = sizeof exec;
    exec.stdout_fd = closed;
    CHECK(pct_container_exec_wait(ctx, 9001, argv, &exec, &exit_status, &err) == PCT_E_FD);
    CHECK(pct_error_errno(err) != 0 && strstr(pct_error_message(err), "stdout_fd") != NULL);
    pct_error_free(err);
    memset(&console, 0, sizeof console);
    console.struct_size = sizeof console;
    console.escape = 'A';
    FAILS(pct_container_console_wait(ctx, 9001, &console, &exit_status, &err), PCT_E_PARAMETER, "escape");
}

static void all_and_waits(pct_ctx *ctx)
{
    pct_start_all_options start;
    pct_stop_all_options stop;
    pct_wait_options wait;
    pct_error *err = NULL;
    char *failed = (char *)ctx;

    FAILS(pct_start_all(ctx, NULL, NULL, NULL, &err), PCT_E_NULL, "failed");
    FAILS(pct_stop_all(NULL, NULL, NULL, &failed, &err), PCT_E_NULL, "ctx");
    CHECK(failed == NULL);
    memset(&start, 0, sizeof start);
    FAILS(pct_start_all(ctx, &start, NULL, &failed, &err), PCT_E_STRUCT, "pct_start_all_options");
    memset(&stop, 0, sizeof stop);
    stop.struct_size = sizeof stop;
    stop.reserved = 1;
    FAILS(pct_stop_all(ctx, &stop, NULL, &failed, &err), PCT_E_STRUCT, "reserved is 1");
    /* There is nothing to do. */
    OK(pct_stop_all(ctx, NULL, NULL, &failed, &err));
    CHECK(strcmp(failed, "[]") == 0);
    pct_string_free(failed);
    OK(pct_start_all(ctx, NULL, NULL, &failed, &err));
    CHECK(strcmp(failed, "[]") == 0);
    pct_string_free(failed);

    FAILS(pct_container_wait(ctx, 9001, NULL, NULL, NULL, &err), PCT_E_NULL, "condition");
    FAILS(pct_container_wait(ctx, 9001, "\xff", NULL, NULL, &err), PCT_E_UTF8, "condition");
    FAILS(pct_container_wait(ctx, 9001, "flying", NULL, NULL, &err), PCT_E_PARAMETER, "'flying'");
    FAILS(pct_container_wait(ctx, 9002, "stopped", NULL, NULL, &err), PCT_E_NOT_FOUND, "9002.conf");
    memset(&wait, 0, sizeof wait);
    FAILS(pct_container_wait(ctx, 9001, "stopped", &wait, NULL, &err), PCT_E_STRUCT, "struct_size");
    FAILS(pct_container_suspend(ctx, 9001, NULL, &err), PCT_E_NOT_RUNNING, "CT 9001 not running");
    FAILS(pct_container_resume(ctx, 9002, NULL, &err), PCT_E_NOT_FOUND, "9002.conf");
}

static void looks(pct_ctx *ctx)
{
    static const uint32_t impossible[] = {9001, 7};
    pct_error *err = NULL;
    char *text = (char *)ctx;
    int pidfd = 7;

    FAILS(pct_container_interfaces_json(ctx, 9001, NULL, &err), PCT_E_NULL, "out");
    FAILS(pct_container_interfaces_json(ctx, 9002, &text, &err), PCT_E_NOT_FOUND, "9002.conf");
    CHECK(text == NULL);
    OK(pct_container_interfaces_json(ctx, 9001, &text, &err));
    CHECK(strcmp(text, "null") == 0);
    pct_string_free(text);
    FAILS(pct_container_init_pidfd(ctx, 9001, NULL, &err), PCT_E_NULL, "pidfd");
    FAILS(pct_container_init_pidfd(ctx, 9001, &pidfd, &err), PCT_E_NOT_RUNNING, "CT 9001 not running");
    CHECK(pidfd == -1);
    FAILS(pct_container_doctor_json(ctx, 9002, &text, &err), PCT_E_NOT_FOUND, "9002.conf");
    FAILS(pct_doctor_json(ctx, NULL, 1, &text, &err), PCT_E_NULL, "vmids");
    FAILS(pct_doctor_json(ctx, impossible, 2, &text, &err), PCT_E_PARAMETER, "invalid vmid 7");
    FAILS(pct_doctor_json(ctx, impossible, (size_t)-1, &text, &err), PCT_E_PARAMETER, "count");
    CHECK(text == NULL);
}

static void numbers_in_a_struct(pct_ctx *ctx)
{
    struct {
        pct_stats stats;
        uint64_t later;
    } newer;
    pct_stats *stats = &newer.stats;
    pct_error *err = NULL;

    memset(&newer, 0xff, sizeof newer);
    stats->struct_size = sizeof *stats;
    OK(pct_container_stats(ctx, 9001, stats, &err));
    CHECK(stats->struct_size == sizeof *stats && stats->running == 0 && stats->pid == 0 && stats->mem == 0);
    CHECK(stats->maxmem == 256u << 20 && stats->maxdisk == 1u << 30 && stats->cpus >= 1 && stats->netout == 0);
    CHECK(newer.later == UINT64_MAX);
    /* A program of a later header finds zero, one of an earlier what it knows. */
    stats->struct_size = sizeof newer;
    OK(pct_container_stats(ctx, 9001, stats, &err));
    CHECK(newer.later == 0);
    memset(&newer, 0xff, sizeof newer);
    stats->struct_size = offsetof(pct_stats, swap);
    OK(pct_container_stats(ctx, 9001, stats, &err));
    CHECK(stats->maxmem == 256u << 20 && stats->swap == UINT64_MAX);
    FAILS(pct_container_stats(ctx, 9002, stats, &err), PCT_E_NOT_FOUND, "9002.conf");
    CHECK(stats->maxmem == 0 && stats->swap == UINT64_MAX);
    stats->struct_size = 0;
    FAILS(pct_container_stats(ctx, 9001, stats, &err), PCT_E_STRUCT, "struct_size");
    FAILS(pct_container_stats(ctx, 9001, NULL, &err), PCT_E_NULL, "out");
}

static void lists(pct_ctx *ctx, const char *root)
{
    static const uint32_t some[] = {9002, 9001};
    pct_error *err = NULL;
    char *text = (char *)ctx, path[4096];
    FILE *template;

    OK(pct_list_of_json(ctx, some, 2, &text, &err));
    CHECK(strstr(text, "[{\"cpus\":") == text && has(text, "9002.conf"));
    OK(pct_list_of_json(ctx, NULL, 0, &text, &err));
    CHECK(has(text, "[]"));
    FAILS(pct_list_of_json(ctx, NULL, 1, &text, &err), PCT_E_NULL, "vmids");
    CHECK(text == NULL);

    OK(pct_storages_json(ctx, "rootdir", &text, &err));
    CHECK(has(text, "[\"local\"]"));
    OK(pct_storages_json(ctx, "vztmpl", &text, &err));
    CHECK(has(text, "[\"local\"]"));
    FAILS(pct_storages_json(ctx, "iso", &text, &err), PCT_E_PARAMETER, "'iso'");
    FAILS(pct_storages_json(ctx, NULL, &text, &err), PCT_E_NULL, "content");
    OK(pct_templates_json(ctx, "local", &text, &err));
    CHECK(has(text, "[]"));
    snprintf(path, sizeof path, "mkdir -p %s/var/lib/pct/storage/template/cache", root);
    CHECK(system(path) == 0);
    snprintf(path, sizeof path, "%s/var/lib/pct/storage/template/cache/small.tar.gz", root);
    template = fopen(path, "w");
    CHECK(template != NULL && fclose(template) == 0);
    OK(pct_templates_json(ctx, "local", &text, &err));
    CHECK(has(text, "[\"local:vztmpl/small.tar.gz\"]"));
    CHECK(remove(path) == 0);
    FAILS(pct_templates_json(ctx, "elsewhere", &text, &err), PCT_E_NOT_FOUND, "elsewhere");

    OK(pct_config_schema_json(&text, &err));
    CHECK(strstr(text, "\"memory\"") != NULL && has(text, "https://json-schema.org/draft/2020-12/schema"));
    FAILS(pct_config_schema_json(NULL, &err), PCT_E_NULL, "out");
}

static void config_files(pct_ctx *ctx)
{
    /* The NUL is a byte like others, and the last line is not within the size. */
    static const char file[] = "hostname: web\nmemory: lots\ntags: \xff\nlxc.x: a\0b\n[one]\ncores: 2\nbeyond: 1\n";
    static const char lxc[] = "arch: amd64\nostype: debian\nhostname: web\nrootfs: local:9001/vm-9001-disk-0.raw\n"
                              "features: nesting=1\nunprivileged: 1\n";
    static const char host[] = "{\"home\":\"standalone\",\"liblxc\":\"6.0\",\"cgroup\":\"v2\",\"helper\":\"/pct-helper\","
                               "\"common_seccomp\":\"2\\ndenylist\\nreboot errno 1\\n\","
                               "\"lxc_includes\":[\"common.conf\",\"userns.conf\"]}";
    pct_error *err = NULL;
    char *text = (char *)ctx, *seccomp = (char *)ctx;

    FAILS(pct_config_parse(NULL, 0, 9001, &text, &err), PCT_E_NULL, "config");
    CHECK(text == NULL);
    FAILS(pct_config_parse(file, 4, 9001, NULL, &err), PCT_E_NULL, "out");
    FAILS(pct_config_parse(file, (size_t)-1, 9001, &text, &err), PCT_E_PARAMETER, "size is");
    FAILS(pct_config_parse(file, 4, 9, &text, &err), PCT_E_PARAMETER, "invalid vmid 9");
    OK(pct_config_parse("", 0, 9001, &text, &err));
    CHECK(has(text, "{\"config\":{\"digest\":\"da39a3ee5e6b4b0d3255bfef95601890afd80709\"},\"findings\":["));
    OK(pct_config_parse(file, sizeof file - 12, 9001, &text, &err));
    CHECK(strstr(text, "\"hostname\":\"web\"") != NULL && strstr(text, "\"snapshots\":{\"one\":{\"cores\":2}}") != NULL);
    CHECK(strstr(text, "beyond") == NULL && strstr(text, "\"pending\":[{\"key\":\"hostname\",\"value\":\"web\"}") != NULL);
    CHECK(has(text, "\"key\":\"memory\",\"line\":2,"));

    FAILS(pct_config_to_lxc(NULL, 9001, lxc, 4, host, NULL, &text, NULL, &err), PCT_E_NULL, "ctx");
    FAILS(pct_config_to_lxc(ctx, 9001, NULL, 0, host, NULL, &text, NULL, &err), PCT_E_NULL, "config");
    FAILS(pct_config_to_lxc(ctx, 9001, lxc, 4, host, NULL, NULL, NULL, &err), PCT_E_NULL, "out");
    FAILS(pct_config_to_lxc(ctx, 9001, lxc, 4, "\xff", NULL, &text, NULL, &err), PCT_E_UTF8, "host");
    FAILS(pct_config_to_lxc(ctx, 9001, lxc, 4, "{}", NULL, &text, &seccomp, &err), PCT_E_PARAMETER, "describes no host");
    CHECK(text == NULL && seccomp == NULL);
    OK(pct_config_to_lxc(ctx, 9001, lxc, sizeof lxc - 1, host, NULL, &text, &seccomp, &err));
    CHECK(has(text, "lxc.uts.name = web\n"));
    CHECK(has(seccomp, "reboot errno 1\n"));
    OK(pct_config_to_lxc(ctx, 9001, lxc, (size_t)(strstr(lxc, "features") - lxc), host, NULL, &text, &seccomp, &err));
    CHECK(has(text, "lxc.uts.name = web\n") && seccomp == NULL);
}

static void snapshots_and_numbers(pct_ctx *ctx)
{
    pct_error *err = NULL;
    char *text = (char *)ctx;
    uint32_t vmid = 7;

    FAILS(pct_container_snapshots_json(ctx, 9001, NULL, &err), PCT_E_NULL, "out");
    FAILS(pct_container_snapshots_json(ctx, 9002, &text, &err), PCT_E_NOT_FOUND, "9002.conf");
    CHECK(text == NULL);
    OK(pct_container_snapshots_json(ctx, 9001, &text, &err));
    CHECK(strstr(text, "\"name\":\"one\",\"snaptime\":1700000000}") != NULL && has(text, "\"name\":\"current\""));
    FAILS(pct_free_vmid(ctx, NULL, &err), PCT_E_NULL, "out");
    FAILS(pct_free_vmid(NULL, &vmid, &err), PCT_E_NULL, "ctx");
    CHECK(vmid == 0);
    OK(pct_free_vmid(ctx, &vmid, &err));
    CHECK(vmid == 100);
    FAILS(pct_cpusets_json(ctx, NULL, &err), PCT_E_NULL, "out");
    OK(pct_cpusets_json(ctx, &text, &err));
    CHECK(has(text, "[]"));
}

static void copies(pct_ctx *ctx)
{
    pct_copy_options copy;
    pct_error *err = NULL;
    int closed;

    FAILS(pct_container_push(ctx, 9001, "/etc/passwd", "/x", NULL, NULL, &err), PCT_E_NOT_RUNNING, "to a running CT");
    FAILS(pct_container_push(ctx, 9001, NULL, "/x", NULL, NULL, &err), PCT_E_NULL, "file");
    FAILS(pct_container_push(ctx, 9001, "/etc/passwd", NULL, NULL, NULL, &err), PCT_E_NULL, "destination");
    FAILS(pct_container_push(ctx, 9001, "/etc/passwd", "\xff", NULL, NULL, &err), PCT_E_UTF8, "destination");
    FAILS(pct_container_pull(ctx, 9001, NULL, "/x", NULL, NULL, &err), PCT_E_NULL, "path");
    FAILS(pct_container_pull(ctx, 9001, "/etc/passwd", NULL, NULL, NULL, &err), PCT_E_NULL, "destination");
    memset(&copy, 0, sizeof copy);
    FAILS(pct_container_pull(ctx, 9001, "/x", "/x", &copy, NULL, &err), PCT_E_STRUCT, "pct_copy_options");
    copy.struct_size = sizeof copy;
    copy.mode = 010000;
    FAILS(pct_container_pull(ctx, 9001, "/x", "/x", &copy, NULL, &err), PCT_E_PARAMETER, "mode is 10000");
    copy.mode = 0;
    copy.user = "\xff";
    FAILS(pct_container_pull(ctx, 9001, "/x", "/x", &copy, NULL, &err), PCT_E_UTF8, "user");
    copy.user = NULL;
    copy.host_fd = 1;
    FAILS(pct_container_pull(ctx, 9001, "/x", "/x", &copy, NULL, &err), PCT_E_PARAMETER, "together");
    closed = dup(1);
    close(closed);
    copy.host_fd = closed;
    FAILS(pct_container_pull(ctx, 9001, "/x", NULL, &copy, NULL, &err), PCT_E_FD, "host_fd");
}

static void guest(void)
{
    pct_guest_options guest;
    pct_error *err = NULL;
    char *text = (char *)&guest;

    FAILS(pct_set_up_guest("/x", 9001, NULL, NULL, &text, &err), PCT_E_NULL, "options");
    CHECK(text == NULL);
    FAILS(pct_set_up_guest(NULL, 9001, NULL, NULL, &text, &err), PCT_E_NULL, "rootfs");
    memset(&guest, 0, sizeof guest);
    FAILS(pct_set_up_guest("/x", 9001, &guest, NULL, &text, &err), PCT_E_STRUCT, "pct_guest_options");
    guest.struct_size = sizeof guest;
    FAILS(pct_set_up_guest("/x", 9001, &guest, NULL, &text, &err), PCT_E_NULL, "event");
    guest.event = "party";
    FAILS(pct_set_up_guest("/x", 9001, &guest, NULL, &text, &err), PCT_E_PARAMETER, "'party'");
    guest.event = "start";
    FAILS(pct_set_up_guest("/x", 9001, &guest, NULL, &text, &err), PCT_E_NULL, "config");
    guest.config = "";
    guest.config_size = (size_t)1 << 40;
    FAILS(pct_set_up_guest("/x", 9001, &guest, NULL, &text, &err), PCT_E_PARAMETER, "size is");
    guest.config_size = 0;
    guest.password = "\xff";
    FAILS(pct_set_up_guest("/x", 9001, &guest, NULL, &text, &err), PCT_E_UTF8, "password");
    guest.password = NULL;
    FAILS(pct_set_up_guest("/x", 9, &guest, NULL, &text, &err), PCT_E_PARAMETER, "invalid vmid 9");
    FAILS(pct_set_up_guest("/x", 9001, &guest, NULL, NULL, &err), PCT_E_NULL, "out");
    CHECK(text == NULL);
}

int main(int argc, char **argv)
{
    pct_ctx *ctx;

    if (argc != 3)
        return 2;
    version();
    nothing_to_free();
    bad_root();
    ctx = open_context(argv[1], argv[2]);
    null_pointers(ctx);
    struct_sizes(ctx);
    errors(ctx);
    utf8(ctx);
    configuration(ctx);
    changes(ctx);
    state(ctx);
    not_running(ctx);
    all_and_waits(ctx);
    looks(ctx);
    numbers_in_a_struct(ctx);
    lists(ctx, argv[1]);
    config_files(ctx);
    snapshots_and_numbers(ctx);
    copies(ctx);
    guest();
    pct_ctx_free(ctx);
    puts("ok");
    return 0;
}
