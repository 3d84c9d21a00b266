/* A running container is looked after, from C.
 *
 * Arguments: the root directory, the path of pct-helper, and the container,
 * which has no other in its root, and another number that is free. */

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static char *config_of(pct_ctx *ctx, uint32_t vmid)
{
    pct_error *err = NULL;
    char *json = NULL;

    OK(pct_container_config_json(ctx, vmid, NULL, &json, &err));
    return json;
}

static char *pending_of(pct_ctx *ctx, uint32_t vmid)
{
    pct_error *err = NULL;
    char *json = NULL;

    OK(pct_container_pending_json(ctx, vmid, &json, &err));
    return json;
}

/* One change is made at once, one waits and is dropped again. */
static void change(pct_ctx *ctx, uint32_t vmid)
{
    static const char *const set[] = {"memory=123", "tty=5", "tags=a", NULL};
    static const char *const tty[] = {"tty", NULL};
    static const char *const tags[] = {"tags", NULL};
    pct_set_options options;
    pct_error *err = NULL;
    char *json, digest[41];

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.set = set;
    json = config_of(ctx, vmid);
    memcpy(digest, strstr(json, "\"digest\":\"") + 10, 40);
    digest[40] = '\0';
    pct_string_free(json);
    options.digest = digest;
    OK(pct_container_set(ctx, vmid, &options, NULL, &err));
    /* That was another file. */
    FAILS(pct_container_set(ctx, vmid, &options, NULL, &err), PCT_E_REFUSED, "detected modified configuration");
    options.digest = NULL;
    CHECK(has(pending_of(ctx, vmid), "{\"key\":\"tty\",\"pending\":5}"));
    CHECK(has(pending_of(ctx, vmid), "{\"key\":\"memory\",\"value\":123}"));

    options.set = NULL;
    options.unset = tags;
    options.revert = tty;
    OK(pct_container_set(ctx, vmid, &options, NULL, &err));
    json = pending_of(ctx, vmid);
    CHECK(strstr(json, "\"pending\"") == NULL && strstr(json, "tags") == NULL);
    pct_string_free(json);
}

static int count(void *user, const char *text)
{
    (void)text;
    ++*(int *)user;
    return 0;
}

/* Nothing is new but for the one that nobody has noted down. */
static void rescan(pct_ctx *ctx, uint32_t vmid, const char *root)
{
    pct_rescan_options options;
    pct_progress progress;
    pct_error *err = NULL;
    char *failed = NULL, path[4096];
    int messages = 0;
    FILE *volume;

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    memset(&progress, 0, sizeof progress);
    progress.struct_size = sizeof progress;
    progress.user = &messages;
    progress.message = count;
    snprintf(path, sizeof path, "%s/var/lib/pct/storage/images/%u/vm-%u-disk-7.raw", root, (unsigned)vmid, (unsigned)vmid);
    volume = fopen(path, "w");
    CHECK(volume != NULL && fclose(volume) == 0);

    options.dry_run = 1;
    OK(pct_rescan(ctx, &options, &progress, &failed, &err));
    CHECK(has(failed, "[]") && messages > 0);
    CHECK(!strstr(failed = config_of(ctx, vmid), "disk-7"));
    pct_string_free(failed);
    options.dry_run = 0;
    OK(pct_container_rescan(ctx, vmid, &options, &progress, &err));
    CHECK(has(config_of(ctx, vmid), "\"unused0\":\""));
    CHECK(remove(path) == 0);
}

/* What somebody was writing who was killed. */
static void repair(pct_ctx *ctx, uint32_t vmid, const char *root)
{
    pct_repair_options options;
    pct_error *err = NULL;
    char *found = NULL, path[4096];
    FILE *left;

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    snprintf(path, sizeof path, "%s/etc/pct/lxc/%u.conf.tmp", root, (unsigned)vmid);
    left = fopen(path, "w");
    CHECK(left != NULL && fclose(left) == 0);
    options.dry_run = 1;
    OK(pct_container_repair(ctx, vmid, &options, NULL, &found, &err));
    CHECK(strstr(found, "\"kind\":\"file\"") != NULL && strstr(found, "\"outcome\":\"found\"") != NULL);
    pct_string_free(found);
    OK(pct_container_repair(ctx, vmid, NULL, NULL, &found, &err));
    CHECK(has(found, "\"outcome\":\"repaired\""));
    OK(pct_container_repair(ctx, vmid, NULL, NULL, &found, &err));
    CHECK(has(found, "[]"));
}

static bool runs(pct_ctx *ctx, uint32_t vmid)
{
    pct_error *err = NULL;
    bool running = false;

    OK(pct_container_is_running(ctx, vmid, &running, &err));
    return running;
}

static void waits(pct_ctx *ctx, uint32_t vmid)
{
    pct_wait_options soon;
    pct_error *err = NULL;

    memset(&soon, 0, sizeof soon);
    soon.struct_size = sizeof soon;
    soon.timeout_ms = 50;
    OK(pct_container_wait(ctx, vmid, "running", &soon, NULL, &err));
    FAILS(pct_container_wait(ctx, vmid, "stopped", &soon, NULL, &err), PCT_E_TIMEOUT, "is not stopped");
    FAILS(pct_container_wait(ctx, vmid, "ipv4", &soon, NULL, &err), PCT_E_TIMEOUT, "has no IPv4 address");
    FAILS(pct_container_resume(ctx, vmid, NULL, &err), PCT_E_RUNNING, "already running");
}

/* One of them cannot be started, which does not matter to the other. */
static void all(pct_ctx *ctx, uint32_t vmid, const char *root, const char *broken)
{
    pct_stop_all_options stop;
    pct_start_all_options start;
    pct_error *err = NULL;
    char *failed = NULL, path[4096];
    FILE *config;

    memset(&stop, 0, sizeof stop);
    stop.struct_size = sizeof stop;
    stop.timeout_ms = 30000;
    OK(pct_stop_all(ctx, &stop, NULL, &failed, &err));
    CHECK(has(failed, "[]") && !runs(ctx, vmid));
    OK(pct_container_wait(ctx, vmid, "stopped", NULL, NULL, &err));

    snprintf(path, sizeof path, "%s/etc/pct/lxc/%s.conf", root, broken);
    config = fopen(path, "w");
    CHECK(config != NULL && fputs("onboot: 1\nhostname: broken\n", config) >= 0 && fclose(config) == 0);
    memset(&start, 0, sizeof start);
    start.struct_size = sizeof start;
    OK(pct_start_all(ctx, NULL, NULL, &failed, &err));
    CHECK(strstr(failed, broken) != NULL && has(failed, "missing 'arch'"));
    CHECK(!runs(ctx, vmid));
    start.force = 1;
    OK(pct_start_all(ctx, &start, NULL, &failed, &err));
    CHECK(has(failed, broken) && runs(ctx, vmid));
    CHECK(remove(path) == 0);
}

static void looks(pct_ctx *ctx, uint32_t vmid, const char *missing)
{
    uint32_t both[2];
    pct_error *err = NULL;
    char *json = NULL;

    OK(pct_container_interfaces_json(ctx, vmid, &json, &err));
    CHECK(has(json, "\"inet\":\"127.0.0.1/8\""));
    /* It runs: that is what there is to say. */
    OK(pct_container_doctor_json(ctx, vmid, &json, &err));
    CHECK(has(json, "\"code\":\"running\""));
    both[0] = vmid;
    both[1] = (uint32_t)strtoul(missing, NULL, 10);
    OK(pct_doctor_json(ctx, both, 2, &json, &err));
    CHECK(strstr(json, "\"code\":\"running\"") != NULL && has(json, "conf' does not exist\""));
    OK(pct_doctor_json(ctx, NULL, 0, &json, &err));
    CHECK(strstr(json, missing) == NULL && has(json, "\"code\":\"running\""));
}

/* Into the container by its path, and out of it through an open file. */
static void copies(pct_ctx *ctx, uint32_t vmid, const char *root)
{
    static const char *const mode[] = {"/bin/sh", "-c", "test $(stat -c %a:%u /run/copied) = 640:0", NULL};
    pct_copy_options in, out;
    pct_error *err = NULL;
    char path[4096], text[16];
    int ends[2], exit_status = -7;
    FILE *file;

    snprintf(path, sizeof path, "%s/to-copy", root);
    file = fopen(path, "w");
    CHECK(file != NULL && fputs("all of it", file) >= 0 && fclose(file) == 0);
    memset(&in, 0, sizeof in);
    in.struct_size = sizeof in;
    in.mode = 0640;
    in.set_mode = 1;
    OK(pct_container_push(ctx, vmid, path, "/run/copied", &in, NULL, &err));
    OK(pct_container_exec_wait(ctx, vmid, mode, NULL, &exit_status, &err));
    CHECK(exit_status == 0);

    memset(&out, 0, sizeof out);
    out.struct_size = sizeof out;
    CHECK(pipe(ends) == 0);
    out.host_fd = ends[1];
    OK(pct_container_pull(ctx, vmid, "run/copied", NULL, &out, NULL, &err));
    CHECK(close(ends[1]) == 0 && read(ends[0], text, sizeof text) == 9 && memcmp(text, "all of it", 9) == 0);
    close(ends[0]);
    FAILS(pct_container_pull(ctx, vmid, "/run/missing", path, NULL, NULL, &err), PCT_E_SYSTEM, "/run/missing");
    CHECK(remove(path) == 0);
}

/* A tree that is no container gets the name of one. */
static void guest(const char *root)
{
    static const char config[] = "arch: amd64\nostype: debian\nhostname: built\n";
    pct_guest_options options;
    pct_error *err = NULL;
    char *found = NULL, tree[4096], path[4200], name[16] = "";
    FILE *file;

    snprintf(tree, sizeof tree, "%s/tree", root);
    CHECK(mkdir(tree, 0755) == 0);
    snprintf(path, sizeof path, "%s/etc", tree);
    CHECK(mkdir(path, 0755) == 0);
    snprintf(path, sizeof path, "%s/etc/debian_version", tree);
    file = fopen(path, "w");
    CHECK(file != NULL && fputs("12.4\n", file) >= 0 && fclose(file) == 0);
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.config = config;
    options.config_size = sizeof config - 1;
    options.event = "start";
    OK(pct_set_up_guest(tree, 9001, &options, NULL, &found, &err));
    CHECK(has(found, "{\"arch\":\"amd64\",\"ostype\":\"debian\"}"));
    snprintf(path, sizeof path, "%s/etc/hostname", tree);
    file = fopen(path, "r");
    CHECK(file != NULL && fgets(name, sizeof name, file) != NULL && fclose(file) == 0);
    CHECK(strcmp(name, "built\n") == 0);
}

/* The end of init is an event. */
static void end(pct_ctx *ctx, uint32_t vmid)
{
    pct_error *err = NULL;
    struct pollfd init;
    pct_stats stats;

    memset(&stats, 0, sizeof stats);
    stats.struct_size = sizeof stats;
    OK(pct_container_stats(ctx, vmid, &stats, &err));
    CHECK(stats.running == 1 && stats.pid > 1 && stats.mem > 0 && stats.mem <= stats.maxmem);

    init.fd = -1;
    init.events = POLLIN;
    OK(pct_container_init_pidfd(ctx, vmid, &init.fd, &err));
    CHECK(fcntl(init.fd, F_GETFD) == FD_CLOEXEC && poll(&init, 1, 0) == 0);
    OK(pct_container_stop(ctx, vmid, NULL, NULL, &err));
    CHECK(poll(&init, 1, 0) == 1 && close(init.fd) == 0);
}

static void volumes(pct_ctx *ctx, uint32_t vmid)
{
    pct_error *err = NULL;
    char *text = NULL;
    uint64_t bytes = 1;

    OK(pct_container_df_json(ctx, vmid, NULL, &text, &err));
    CHECK(has(text, "\"mp\":\"rootfs\""));
    FAILS(pct_container_unmount(ctx, vmid, NULL, &err), PCT_E_REFUSED, "no lock found");
    OK(pct_container_mount(ctx, vmid, NULL, &text, &err));
    CHECK(chdir(text) == 0 && access("bin", F_OK) == 0 && chdir("/") == 0);
    pct_string_free(text);
    FAILS(pct_container_fstrim(ctx, vmid, NULL, NULL, &bytes, &err), PCT_E_LOCKED, "mounted");
    CHECK(bytes == 0);
    OK(pct_container_unmount(ctx, vmid, NULL, &err));
    OK(pct_container_fstrim(ctx, vmid, NULL, NULL, NULL, &err));
    FAILS(pct_container_fsck(ctx, vmid, NULL, NULL, &err), PCT_E_RUNNING, "when container is running");
    FAILS(pct_container_resize(ctx, vmid, "rootfs", "1 G", NULL, NULL, &err), PCT_E_PARAMETER, "invalid size string");
    FAILS(pct_container_resize(ctx, vmid, "mp9", "1G", NULL, NULL, &err), PCT_E_PARAMETER, "mount point mp9");
}

int main(int argc, char **argv)
{
    pct_ctx *ctx;
    uint32_t vmid;

    if (argc != 5)
        return 2;
    vmid = (uint32_t)strtoul(argv[3], NULL, 10);
    ctx = open_context(argv[1], argv[2]);
    change(ctx, vmid);
    rescan(ctx, vmid, argv[1]);
    repair(ctx, vmid, argv[1]);
    waits(ctx, vmid);
    all(ctx, vmid, argv[1], argv[4]);
    looks(ctx, vmid, argv[4]);
    copies(ctx, vmid, argv[1]);
    guest(argv[1]);
    volumes(ctx, vmid);
    end(ctx, vmid);
    pct_ctx_free(ctx);
    puts("ok");
    return 0;
}
