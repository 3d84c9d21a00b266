/* Commands inside a running container, from C.
 *
 * Arguments: the root directory, the path of pct-helper, the container, and
 * `console` to be connected with it, which needs a terminal. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static int exit_of(pct_ctx *ctx, uint32_t vmid, const char *script, const pct_exec_options *options)
{
    const char *argv[4];
    pct_error *err = NULL;
    int exit_status = -7;

    argv[0] = "/bin/sh";
    argv[1] = "-c";
    argv[2] = script;
    argv[3] = NULL;
    OK(pct_container_exec_wait(ctx, vmid, argv, options, &exit_status, &err));
    return exit_status;
}

static void statuses(pct_ctx *ctx, uint32_t vmid)
{
    static const char *const missing[] = {"/nonexistent", NULL};
    static const char *const nothing[] = {NULL};
    pct_error *err = NULL;
    int exit_status = -7;

    CHECK(exit_of(ctx, vmid, "exit 0", NULL) == 0);
    CHECK(exit_of(ctx, vmid, "exit 77", NULL) == 77);
    CHECK(exit_of(ctx, vmid, "kill -9 $$", NULL) == 137);
    OK(pct_container_exec_wait(ctx, vmid, missing, NULL, &exit_status, &err));
    CHECK(exit_status == 127);
    FAILS(pct_container_exec_wait(ctx, vmid, nothing, NULL, &exit_status, &err), PCT_E_PARAMETER, "missing command");
}

/* Streams are lent: they stay open, and the command gets them and no others. */
static void streams(pct_ctx *ctx, uint32_t vmid)
{
    pct_exec_options options;
    pct_error *err = NULL;
    int in[2], out[2], exit_status = -7;
    char text[128];
    ssize_t got;

    CHECK(pipe(in) == 0 && pipe(out) == 0);
    CHECK(write(in[1], "a\0b", 3) == 3);
    close(in[1]);
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.stdin_fd = in[0];
    options.stdout_fd = out[1];
    options.stderr_fd = -1;
    CHECK(exit_of(ctx, vmid, "cat; ls /proc/self/fd | tr '\\n' ' '; printf %s \"$FROM_HOST\"", &options) == 0);
    CHECK(fcntl(out[1], F_GETFD) >= 0);
    got = read(out[0], text, sizeof text);
    /* 3 is the directory that ls reads. */
    CHECK(got == 11 && memcmp(text, "a\0b0 1 2 3 ", 11) == 0);

    options.keep_env = 1;
    CHECK(exit_of(ctx, vmid, "printf %s \"$FROM_HOST\"", &options) == 0);
    got = read(out[0], text, sizeof text);
    CHECK(got == 6 && memcmp(text, "kept!!", 6) == 0);
    close(in[0]);

    /* The login shell takes its commands from a pipe as well. */
    CHECK(pipe(in) == 0 && write(in[1], "echo in; exit 5\n", 16) == 16);
    close(in[1]);
    options.stdin_fd = in[0];
    OK(pct_container_enter_wait(ctx, vmid, &options, &exit_status, &err));
    got = read(out[0], text, sizeof text);
    CHECK(exit_status == 5 && got == 3 && memcmp(text, "in\n", 3) == 0);
    close(in[0]);
    close(out[0]);
    close(out[1]);
}

/* Without waiting: the caller has the process. */
static void process(pct_ctx *ctx, uint32_t vmid)
{
    static const char *const forever[] = {"/bin/sh", "-c", "trap 'exit 9' TERM; while :; do sleep 0.1; done", NULL};
    pct_error *err = NULL;
    int32_t pid = -1;
    int pidfd = -1, status, tries;
    struct pollfd ended;

    OK(pct_container_exec(ctx, vmid, forever, NULL, &pid, &pidfd, &err));
    CHECK(pid > 1 && pidfd > 2);
    CHECK(fcntl(pidfd, F_GETFD) == FD_CLOEXEC);
    ended.fd = pidfd;
    ended.events = POLLIN;
    CHECK(poll(&ended, 1, 0) == 0);
    /* The shell needs a moment for its trap; before that it ends by the signal. */
    for (tries = 0; poll(&ended, 1, 100) == 0 && tries < 300; tries++)
        CHECK(tries < 5 || kill(pid, SIGTERM) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 9);
    close(pidfd);
}

/* Ctrl-b q leaves it. */
static void console(pct_ctx *ctx, uint32_t vmid)
{
    pct_console_options options;
    pct_error *err = NULL;
    int exit_status = -7;

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.escape = 'b';
    OK(pct_container_console_wait(ctx, vmid, &options, &exit_status, &err));
    CHECK(exit_status == 0);
}

int main(int argc, char **argv)
{
    pct_ctx *ctx;
    uint32_t vmid;

    if (argc != 4 && argc != 5)
        return 2;
    vmid = (uint32_t)strtoul(argv[3], NULL, 10);
    CHECK(setenv("FROM_HOST", "kept!!", 1) == 0);
    ctx = open_context(argv[1], argv[2]);
    if (argc == 5) {
        console(ctx, vmid);
    } else {
        statuses(ctx, vmid);
        streams(ctx, vmid);
        process(ctx, vmid);
    }
    pct_ctx_free(ctx);
    puts("ok");
    return 0;
}
