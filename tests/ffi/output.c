/* Commands with what they say, and terminals, from C.
 *
 * Arguments: the root directory, the path of pct-helper, and a running
 * container with busybox, whose console has a shell. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "check.h"

static pct_output *run(pct_ctx *ctx, uint32_t vmid, const char *script, const void *input, size_t size)
{
    const char *argv[] = {"sh", "-c", NULL, NULL};
    pct_output_options options;
    pct_output *output = NULL;
    pct_error *err = NULL;

    argv[2] = script;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.input = input;
    options.input_size = size;
    OK(pct_container_exec_output(ctx, vmid, argv, &options, &output, &err));
    return output;
}

static bool is(const char *bytes, size_t size, const char *want, size_t want_size)
{
    return size == want_size && memcmp(bytes, want, size) == 0 && bytes[size] == '\0';
}

static void says(pct_ctx *ctx, uint32_t vmid)
{
    pct_output *output;
    const char *text;
    size_t size = 7;

    output = run(ctx, vmid, "printf 'a\\0b'; echo no >&2; exit 3", NULL, 0);
    CHECK(pct_output_exit_status(output) == 3);
    text = pct_output_stdout(output, &size);
    CHECK(is(text, size, "a\0b", 3));
    text = pct_output_stderr(output, &size);
    CHECK(is(text, size, "no\n", 3));
    CHECK(strcmp(pct_output_stderr(output, NULL), "no\n") == 0);
    pct_output_free(output);

    /* They can be opened by name, by the root of a user namespace, too. */
    output = run(ctx, vmid, "cat /dev/stdin >/dev/stderr; echo a >/dev/stdout", "b", 1);
    CHECK(strcmp(pct_output_stderr(output, NULL), "b") == 0 && strcmp(pct_output_stdout(output, NULL), "a\n") == 0);
    pct_output_free(output);

    output = run(ctx, vmid, "kill -9 $$", NULL, 0);
    CHECK(pct_output_exit_status(output) == 128 + 9);
    pct_output_free(output);
    /* Nobody waits for what is left behind, though it has the streams. */
    output = run(ctx, vmid, "sleep 1000 & echo $!", NULL, 0);
    CHECK(pct_output_exit_status(output) == 0 && atoi(pct_output_stdout(output, NULL)) > 1);
    pct_output_free(output);
    pct_output_free(run(ctx, vmid, "killall sleep", NULL, 0));

    size = 7;
    CHECK(*pct_output_stdout(NULL, &size) == '\0' && size == 0 && *pct_output_stderr(NULL, NULL) == '\0');
    CHECK(pct_output_exit_status(NULL) == -1);
    pct_output_free(NULL);
}

/* More than a pipe holds, in both directions; and a command that does not read. */
static void reads(pct_ctx *ctx, uint32_t vmid)
{
    size_t size = 3000000, i, back;
    unsigned char *input = malloc(size);
    pct_output *output;
    const char *text;

    CHECK(input != NULL);
    for (i = 0; i < size; i++)
        input[i] = (unsigned char)(i * 7 / 3);
    output = run(ctx, vmid, "cat", input, size);
    text = pct_output_stdout(output, &back);
    CHECK(back == size && memcmp(text, input, size) == 0 && pct_output_exit_status(output) == 0);
    pct_output_free(output);
    output = run(ctx, vmid, "exit 4", input, size);
    CHECK(pct_output_exit_status(output) == 4);
    pct_output_free(output);
    free(input);

    output = run(ctx, vmid, "cat; echo end", NULL, 0);
    CHECK(strcmp(pct_output_stdout(output, NULL), "end\n") == 0);
    pct_output_free(output);
}

/* No command keeps the caller, or fills its memory. */
static void limits(pct_ctx *ctx, uint32_t vmid)
{
    static const char *const shouts[] = {"yes", NULL};
    static const char *const sleeps[] = {"sleep", "1000", NULL};
    static const char *const missing[] = {"/nonexistent", NULL};
    pct_output_options options;
    pct_output *output = (pct_output *)ctx;
    pct_error *err = NULL;

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.limit = 1000;
    FAILS(pct_container_exec_output(ctx, vmid, shouts, &options, &output, &err), PCT_E_TOO_MUCH,
          "more than 1000 bytes");
    CHECK(output == NULL);
    options.limit = 0;
    options.timeout_ms = 200;
    FAILS(pct_container_exec_output(ctx, vmid, sleeps, &options, &output, &err), PCT_E_TIMEOUT, "not ended after 200ms");
    /* Both have got the signal. */
    output = run(ctx, vmid, "ps | grep -E ' (yes|sleep 1000)$'", NULL, 0);
    CHECK(pct_output_exit_status(output) == 1 && *pct_output_stdout(output, NULL) == '\0');
    pct_output_free(output);

    options.timeout_ms = 0;
    OK(pct_container_exec_output(ctx, vmid, missing, &options, &output, &err));
    CHECK(pct_output_exit_status(output) == 127 && strstr(pct_output_stderr(output, NULL), "/nonexistent") != NULL);
    pct_output_free(output);
    FAILS(pct_container_exec_output(ctx, vmid, missing, NULL, NULL, &err), PCT_E_NULL, "out");
    FAILS(pct_container_exec_output(ctx, vmid, NULL, NULL, &output, &err), PCT_E_NULL, "argv");
    options.input_size = 1;
    FAILS(pct_container_exec_output(ctx, vmid, missing, &options, &output, &err), PCT_E_NULL, "input");
}

/* Reads from a terminal until this comes. */
static void expect(int fd, const char *part)
{
    char seen[4096];
    size_t used = 0;
    struct pollfd terminal;
    ssize_t size;

    terminal.fd = fd;
    terminal.events = POLLIN;
    do {
        CHECK(poll(&terminal, 1, 30000) == 1);
        size = read(fd, seen + used, sizeof seen - 1 - used);
        CHECK(size > 0);
        used += (size_t)size;
        seen[used] = '\0';
    } while (strstr(seen, part) == NULL);
}

static void terminals(pct_ctx *ctx, uint32_t vmid)
{
    static const char question[] = "\necho answer=$((6 * 7))\n";
    pct_tty *tty = NULL, *other = (pct_tty *)ctx;
    pct_error *err = NULL;
    struct pollfd end;

    OK(pct_container_tty(ctx, vmid, 0, &tty, &err));
    CHECK(pct_tty_number(tty) == 0 && isatty(pct_tty_fd(tty)));
    CHECK(fcntl(pct_tty_fd(tty), F_GETFD) == FD_CLOEXEC && fcntl(pct_tty_end_fd(tty), F_GETFD) == FD_CLOEXEC);
    CHECK(write(pct_tty_fd(tty), question, sizeof question - 1) == (ssize_t)(sizeof question - 1));
    expect(pct_tty_fd(tty), "answer=42");
    /* It is the caller's alone, until it is given back. */
    CHECK(pct_container_tty(ctx, vmid, 0, &other, &err) == PCT_E_SYSTEM && pct_error_errno(err) == EBUSY);
    CHECK(other == NULL);
    pct_error_free(err);
    pct_tty_free(tty);
    OK(pct_container_tty(ctx, vmid, 0, &tty, &err));
    pct_tty_free(tty);

    OK(pct_container_tty(ctx, vmid, -1, &tty, &err));
    CHECK(pct_tty_number(tty) == 1 && isatty(pct_tty_fd(tty)));
    end.fd = pct_tty_end_fd(tty);
    end.events = POLLIN;
    CHECK(poll(&end, 1, 0) == 0);
    FAILS(pct_container_tty(ctx, vmid, -2, &other, &err), PCT_E_PARAMETER, "number is -2");
    FAILS(pct_container_tty(ctx, vmid, 0, NULL, &err), PCT_E_NULL, "out");
    OK(pct_container_stop(ctx, vmid, NULL, NULL, &err));
    CHECK(poll(&end, 1, 0) == 1);
    pct_tty_free(tty);
    FAILS(pct_container_tty(ctx, vmid, 0, &other, &err), PCT_E_NOT_RUNNING, "not running");

    CHECK(pct_tty_fd(NULL) == -1 && pct_tty_end_fd(NULL) == -1 && pct_tty_number(NULL) == -1);
    pct_tty_free(NULL);
}

int main(int argc, char **argv)
{
    pct_ctx *ctx;
    uint32_t vmid;

    if (argc != 4)
        return 2;
    vmid = (uint32_t)strtoul(argv[3], NULL, 10);
    ctx = open_context(argv[1], argv[2]);
    says(ctx, vmid);
    reads(ctx, vmid);
    limits(ctx, vmid);
    terminals(ctx, vmid);
    pct_ctx_free(ctx);
    puts("ok");
    return 0;
}
