/* Runs several commands in a running container at once, and shows what they
 * write as it comes, each line with the number of its command. One loop around
 * poll watches all of it: no threads, no signal handlers.
 *
 * Usage: eventloop [-t <seconds>] [-r <root directory>] [-p <pct-helper>]
 *                  <vmid> <shell command>...
 *
 * After -t seconds, and when it is itself told to end, all commands are sent
 * SIGTERM. The exit status is 0 when all commands have succeeded, 1 when not,
 * and 2 when something is wrong on this side.
 *
 * Build: cc eventloop.c $(pkg-config --cflags --libs pct) -o eventloop */

#define _GNU_SOURCE /* pipe2 */

#include <errno.h>
#include <fcntl.h>
#include <pct.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUT, ERR, END, WATCHED }; /* what poll watches of each command */
enum { COMMANDS = 64 };

/* One end of a pipe, and the line that is not complete yet. */
struct stream {
    FILE *to;
    size_t length;
    char line[4096];
};

struct command {
    int number;
    const char *script;
    int32_t pid;
    int status; /* of waitpid */
    struct stream streams[2];
};

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static void check(pct_status status, pct_error **err)
{
    if (status == PCT_OK)
        return;
    fprintf(stderr, "eventloop: %s\n", *err != NULL ? pct_error_message(*err) : pct_status_str(status));
    exit(2);
}

static void show(const struct command *command, struct stream *stream)
{
    if (stream->length > 0)
        fprintf(stream->to, "%d: %.*s\n", command->number, (int)stream->length, stream->line);
    stream->length = 0;
}

/* Takes what a pipe holds, without waiting for more; false when nothing will
 * come any more. A line that is too long is shown in parts. */
static bool take(const struct command *command, struct stream *stream, int fd)
{
    static char bytes[1 << 16]; /* as much as a pipe holds: one read empties it */
    ssize_t got = read(fd, bytes, sizeof bytes), i;

    for (i = 0; i < got; i++) {
        if (bytes[i] != '\n')
            stream->line[stream->length++] = bytes[i];
        if (bytes[i] == '\n' || stream->length == sizeof stream->line)
            show(command, stream);
    }
    return got > 0 || (got < 0 && errno == EAGAIN);
}

/* Starts a command; its pipes and its end are in the three entries of poll. */
static void start(pct_ctx *ctx, uint32_t vmid, struct command *command, struct pollfd *watched)
{
    const char *const argv[] = {"/bin/sh", "-c", command->script, NULL};
    pct_exec_options options = {.struct_size = sizeof options};
    pct_error *err = NULL;
    int out[2], errors[2], nothing, i;

    /* Those of the commands wait when we are slow, ours never. */
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0 ||
        fcntl(out[0], F_SETFL, O_NONBLOCK) != 0 || fcntl(errors[0], F_SETFL, O_NONBLOCK) != 0)
        die("pipe");
    if ((nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0)
        die("/dev/null");
    options.stdin_fd = nothing;
    options.stdout_fd = out[1];
    options.stderr_fd = errors[1];
    check(pct_container_exec(ctx, vmid, argv, &options, &command->pid, &watched[END].fd, &err), &err);
    /* They were lent; as long as we have them, our ends never come to an end. */
    close(nothing);
    close(out[1]);
    close(errors[1]);
    watched[OUT].fd = out[0];
    watched[ERR].fd = errors[0];
    for (i = 0; i < WATCHED; i++)
        watched[i].events = POLLIN;
    command->streams[OUT].to = stdout;
    command->streams[ERR].to = stderr;
}

static void forget(struct pollfd *watched)
{
    close(watched->fd);
    watched->fd = -1; /* poll passes over it */
}

/* What poll has found of a command; true when it has ended. What a process
 * that it has left behind writes later is not waited for. */
static bool serve(struct command *command, struct pollfd *watched)
{
    bool ended = watched[END].revents != 0;
    int i;

    for (i = OUT; i <= ERR; i++) {
        if (watched[i].fd < 0 || (watched[i].revents == 0 && !ended))
            continue;
        if (take(command, &command->streams[i], watched[i].fd) && !ended)
            continue;
        show(command, &command->streams[i]);
        forget(&watched[i]);
    }
    if (!ended)
        return false;
    forget(&watched[END]);
    if (waitpid(command->pid, &command->status, 0) != command->pid)
        die("waitpid");
    return true;
}

/* Signals that would end this program, as a descriptor. */
static int signals(void)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if ((fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
        die("signalfd");
    return fd;
}

/* Readable after so many seconds; never, when it is 0. */
static int timer(long seconds)
{
    struct itimerspec when = {.it_value.tv_sec = seconds};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

    if (fd < 0 || timerfd_settime(fd, 0, &when, NULL) != 0)
        die("timerfd");
    return fd;
}

/* Lets all commands go on until they have ended. */
static void loop(struct command *commands, int count, struct pollfd *watched, long seconds)
{
    struct pollfd *alarms = &watched[count * WATCHED]; /* the signals and the timer */
    char what[sizeof(struct signalfd_siginfo)];
    int running = count, i;

    alarms[0] = (struct pollfd){.fd = signals(), .events = POLLIN};
    alarms[1] = (struct pollfd){.fd = timer(seconds), .events = POLLIN};
    while (running > 0) {
        if (poll(watched, (nfds_t)(count * WATCHED + 2), -1) < 0 && errno != EINTR)
            die("poll");
        if (alarms[0].revents != 0 || alarms[1].revents != 0) {
            while (read(alarms[0].fd, what, sizeof what) > 0 || read(alarms[1].fd, what, sizeof what) > 0)
                ;
            for (i = 0; i < count; i++) {
                /* Not waited for yet: the number is still its own. */
                if (watched[i * WATCHED + END].fd >= 0)
                    kill(commands[i].pid, SIGTERM);
            }
        }
        for (i = 0; i < count; i++) {
            if (watched[i * WATCHED + END].fd >= 0 && serve(&commands[i], &watched[i * WATCHED]))
                running--;
        }
        fflush(stdout);
    }
    forget(&alarms[0]);
    forget(&alarms[1]);
}

/* Says how each command has ended; how many have not succeeded. */
static int sum_up(const struct command *commands, int count)
{
    int failed = 0, i;

    for (i = 0; i < count; i++) {
        int status = commands[i].status;
        int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);

        printf("%d: exit status %d\n", commands[i].number, code);
        failed += code != 0;
    }
    printf("%d of %d succeeded\n", count - failed, count);
    return failed;
}

static int usage(void)
{
    fprintf(stderr, "usage: eventloop [-t <seconds>] [-r <root directory>] [-p <pct-helper>] "
                    "<vmid> <shell command>...\n");
    return 2;
}

int main(int argc, char **argv)
{
    static struct command commands[COMMANDS];
    static struct pollfd watched[COMMANDS * WATCHED + 2];
    pct_ctx_options where = {.struct_size = sizeof where};
    pct_ctx *ctx = NULL;
    pct_error *err = NULL;
    uint32_t vmid;
    long seconds = 0;
    int option, count, i;

    while ((option = getopt(argc, argv, "+t:r:p:")) != -1) {
        if (option == 't')
            seconds = strtol(optarg, NULL, 10);
        else if (option == 'r')
            where.root = optarg;
        else if (option == 'p')
            where.helper = optarg;
        else
            return usage();
    }
    count = argc - optind - 1;
    if (count < 1 || count > COMMANDS)
        return usage();
    vmid = (uint32_t)strtoul(argv[optind], NULL, 10);

    check(pct_ctx_new(&where, &ctx, &err), &err);
    for (i = 0; i < count; i++) {
        commands[i].number = i + 1;
        commands[i].script = argv[optind + 1 + i];
        start(ctx, vmid, &commands[i], &watched[i * WATCHED]);
    }
    pct_ctx_free(ctx);
    loop(commands, count, watched, seconds);
    return sum_up(commands, count) == 0 ? 0 : 1;
}
