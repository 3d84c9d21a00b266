/* A life of a container, followed by a file descriptor; and a create that is
 * cancelled.
 *
 * Arguments: the root directory, the path of pct-helper, a template with
 * busybox, and a number that is free. */

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* Waits, as a loop would, until this has happened to the container. */
static void expect(const pct_events *events, uint32_t want, const char *state)
{
    struct pollfd readable;
    pct_error *err = NULL;
    const char *now;
    uint32_t vmid;

    readable.fd = pct_events_fd(events);
    readable.events = POLLIN;
    for (;;) {
        OK(pct_events_next(events, &vmid, &now, &err));
        if (now != NULL) {
            CHECK(vmid == want);
            if (strcmp(now, state) == 0)
                return;
            fprintf(stderr, "on the way to %s: %s\n", state, now);
            exit(1);
        }
        CHECK(vmid == 0);
        if (poll(&readable, 1, 30000) != 1) {
            fprintf(stderr, "never %s\n", state);
            exit(1);
        }
    }
}

/* Nothing is told, however often the descriptor is readable. */
static void expect_nothing(const pct_events *events)
{
    struct pollfd readable;
    pct_error *err = NULL;
    const char *now;
    uint32_t vmid;

    readable.fd = pct_events_fd(events);
    readable.events = POLLIN;
    do {
        OK(pct_events_next(events, &vmid, &now, &err));
        CHECK(now == NULL && vmid == 0);
    } while (poll(&readable, 1, 100) == 1);
}

static int stop_at_bytes(void *user, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    ++*(int *)user;
    return 1;
}

static void create_options(pct_create_options *options, const char *template)
{
    static const char *const config[] = {"rootfs=local:1", "hostname=seen", NULL};

    memset(options, 0, sizeof *options);
    options->struct_size = sizeof *options;
    options->ostemplate = template;
    options->config = config;
}

static void cancelled(pct_ctx *ctx, uint32_t vmid, const char *template)
{
    pct_create_options options;
    pct_progress progress;
    pct_error *err = NULL;
    char *json = NULL;
    int calls = 0;

    create_options(&options, template);
    memset(&progress, 0, sizeof progress);
    progress.struct_size = sizeof progress;
    progress.user = &calls;
    progress.bytes = stop_at_bytes;
    FAILS(pct_container_create(ctx, vmid, &options, &progress, &err), PCT_E_CANCELLED, "received interrupt");
    CHECK(calls > 0);
    FAILS(pct_container_config_json(ctx, vmid, NULL, &json, &err), PCT_E_NOT_FOUND, "does not exist");
}

/* A child that was forked meanwhile changes nothing, and can read. */
static void forked(pct_ctx *ctx)
{
    char *json = NULL;
    int status;
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0)
        _exit(pct_list_json(ctx, &json, NULL) == PCT_OK && strcmp(json, "[]") != 0 ? 0 : 1);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int main(int argc, char **argv)
{
    static const char *const reboot[] = {"reboot", "-f", NULL};
    pct_create_options options;
    pct_events *events = NULL;
    pct_error *err = NULL;
    pct_ctx *ctx;
    const char *state;
    uint32_t vmid, number;
    int status, gone[2];

    if (argc != 5)
        return 2;
    vmid = (uint32_t)strtoul(argv[4], NULL, 10);
    ctx = open_context(argv[1], argv[2]);
    FAILS(pct_events_new(ctx, NULL, &err), PCT_E_NULL, "out");
    FAILS(pct_events_next(NULL, &number, &state, &err), PCT_E_NULL, "events");
    CHECK(pct_events_fd(NULL) == -1);
    pct_events_free(NULL);
    OK(pct_events_new(ctx, &events, &err));
    CHECK(fcntl(pct_events_fd(events), F_GETFD) == FD_CLOEXEC);
    expect_nothing(events);
    /* It has come and gone unseen. */
    cancelled(ctx, vmid, argv[3]);
    expect_nothing(events);

    create_options(&options, argv[3]);
    OK(pct_container_create(ctx, vmid, &options, NULL, &err));
    expect(events, vmid, "stopped");
    OK(pct_container_start(ctx, vmid, NULL, NULL, &err));
    expect(events, vmid, "running");
    forked(ctx);
    expect_nothing(events);
    OK(pct_container_exec_wait(ctx, vmid, reboot, NULL, &status, &err));
    expect(events, vmid, "running");
    /* A child of the program keeps all of its descriptors. */
    CHECK(pipe(gone) == 0);
    if (fork() == 0) {
        close(gone[1]);
        _exit(read(gone[0], &status, 1) == 0 ? 0 : 1);
    }
    OK(pct_container_stop(ctx, vmid, NULL, NULL, &err));
    expect(events, vmid, "stopped");
    expect_nothing(events);
    close(gone[1]);
    CHECK(wait(&status) > 0 && status == 0);
    OK(pct_container_destroy(ctx, vmid, NULL, NULL, &err));
    expect(events, vmid, "gone");
    expect_nothing(events);
    pct_ctx_free(ctx);
    pct_events_free(events);
    puts("ok");
    return 0;
}
