/* Against the rules of the header: a program that ignores SIGCHLD, or that
 * waits for the children of the library. What is not known must not be told.
 *
 * Arguments: the root directory, the path of pct-helper, a container that is
 * stopped, and `ignored` or `stolen`. */

#include <stdatomic.h>

#include "process.h"

static atomic_bool over;

/* Takes every child that ends, as a careless handler does. */
static void *thief(void *unused)
{
    while (!atomic_load(&over)) {
        if (waitpid(-1, NULL, 0) == -1)
            sched_yield();
    }
    return unused;
}

/* Whether a call has succeeded; if not, it has said why. */
static bool done(pct_status status, pct_error **err)
{
    if (status == PCT_OK)
        return true;
    CHECK(strstr(pct_error_message(*err), "ignores SIGCHLD") != NULL);
    pct_error_free(*err);
    *err = NULL;
    return false;
}

/* The life of the container does not depend on it; how a child of this process
 * has ended does, here that of a command and that of a helper. */
static void live(pct_ctx *ctx, uint32_t vmid, bool ignored)
{
    static const char *const argv[] = {"/bin/sh", "-c", "exit 7", NULL};
    static const char *const memory[] = {"memory=123", NULL};
    pct_set_options set;
    pct_error *err = NULL;
    bool running = false;
    pct_output *output = NULL;
    int exit_status = 0, i;

    OK(pct_container_start(ctx, vmid, NULL, NULL, &err));
    OK(pct_container_is_running(ctx, vmid, &running, &err));
    CHECK(running);
    for (i = 0; i < 10; i++) {
        if (done(pct_container_exec_wait(ctx, vmid, argv, NULL, &exit_status, &err), &err))
            CHECK(exit_status == 7 && !ignored);
        else
            CHECK(exit_status == -1);
        if (done(pct_container_exec_output(ctx, vmid, argv, NULL, &output, &err), &err))
            CHECK(pct_output_exit_status(output) == 7 && !ignored);
        pct_output_free(output);
    }
    memset(&set, 0, sizeof set);
    set.struct_size = sizeof set;
    set.set = memory;
    CHECK(!(done(pct_container_set(ctx, vmid, &set, NULL, &err), &err) && ignored));
    OK(pct_container_stop(ctx, vmid, NULL, NULL, &err));
    OK(pct_container_is_running(ctx, vmid, &running, &err));
    CHECK(!running);
}

int main(int argc, char **argv)
{
    bool ignored = argc == 5 && strcmp(argv[4], "ignored") == 0;
    pthread_t thread;
    pct_ctx *ctx;

    if (argc != 5)
        return 2;
    ctx = open_context(argv[1], argv[2]);
    if (ignored)
        CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
    else
        CHECK(pthread_create(&thread, NULL, thief, NULL) == 0);
    live(ctx, (uint32_t)strtoul(argv[3], NULL, 10), ignored);
    atomic_store(&over, true);
    CHECK(ignored || pthread_join(thread, NULL) == 0);
    pct_ctx_free(ctx);
    no_children();
    puts("ok");
    return 0;
}
