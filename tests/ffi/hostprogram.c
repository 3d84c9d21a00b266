/* A program that has a life of its own: a handler of SIGCHLD, threads that
 * make children, an event loop, no standard streams. A worker drives a container
 * meanwhile, with every signal blocked and with none.
 *
 * Arguments: the root directory, the path of pct-helper, a template, and the
 * number of the container. */

#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "process.h"

enum { STRANGERS = 2 };

struct work {
    pct_ctx *ctx;
    const char *template;
    uint32_t vmid;
    int done; /* an eventfd */
};

static atomic_bool over;
/* The one child that the handler waits for; no other is its business. */
static atomic_int mine, reaped, handled;

static void on_child(int signal)
{
    int before = errno, child = mine, status;

    (void)signal;
    handled++;
    if (child != 0 && waitpid(child, &status, WNOHANG) == child) {
        reaped += WIFEXITED(status) && WEXITSTATUS(status) == 4;
        mine = 0;
    }
    errno = before;
}

/* Everything with a container, from the beginning to the end. */
static void drive(const struct work *work)
{
    static const char *const config[] = {"hostname=hosted", "rootfs=local:1", "unprivileged=1", NULL};
    pct_create_options create;
    pct_error *err = NULL;
    char text[64];

    memset(&create, 0, sizeof create);
    create.struct_size = sizeof create;
    create.ostemplate = work->template;
    create.config = config;
    OK(pct_container_create(work->ctx, work->vmid, &create, NULL, &err));
    OK(pct_container_start(work->ctx, work->vmid, NULL, NULL, &err));
    /* The command gets a standard input although there is none here. */
    output_of(work->ctx, work->vmid, "cat; cat /proc/sys/kernel/hostname", text, sizeof text);
    CHECK(strcmp(text, "hosted\n") == 0);
    OK(pct_container_stop(work->ctx, work->vmid, NULL, NULL, &err));
    OK(pct_container_destroy(work->ctx, work->vmid, NULL, NULL, &err));
}

static void *worker(void *given)
{
    const struct work *work = given;
    const uint64_t one = 1;
    sigset_t masks[2], after;
    int i, signal;

    sigfillset(&masks[0]);
    sigemptyset(&masks[1]);
    for (i = 0; i < 2; i++) {
        CHECK(pthread_sigmask(SIG_SETMASK, &masks[i], NULL) == 0);
        CHECK(pthread_sigmask(SIG_SETMASK, NULL, &masks[i]) == 0);
        drive(work);
        CHECK(pthread_sigmask(SIG_SETMASK, NULL, &after) == 0);
        for (signal = 1; signal < NSIG; signal++)
            CHECK(sigismember(&masks[i], signal) == sigismember(&after, signal));
    }
    CHECK(write(work->done, &one, sizeof one) == sizeof one);
    return NULL;
}

/* Makes children that execute a program: each must be its own to wait for,
 * and inherit nothing of the library. Its exit status is the number of its
 * descriptors: there is but the folder. */
static void *stranger(void *given)
{
    static char *const argv[] = {"sh", "-c", "set -- /proc/self/fd/*; exit $#", NULL};
    int *made = given, status;
    pid_t child;

    for (*made = 0; !atomic_load(&over) || *made == 0; ++*made) {
        CHECK((child = fork()) >= 0);
        if (child == 0) {
            execv("/bin/sh", argv);
            _exit(99);
        }
        while (waitpid(child, &status, 0) == -1)
            CHECK(errno == EINTR);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    }
    return NULL;
}

/* A child for the handler: without executing anything it reads by the library.
 * It waits until the handler knows it. */
static void fork_reader(pct_ctx *ctx)
{
    char *list = NULL, byte;
    int known[2];
    pid_t child;

    CHECK(pipe2(known, O_CLOEXEC) == 0 && (child = fork()) >= 0);
    if (child == 0) {
        close(known[1]);
        if (read(known[0], &byte, 1) != 0)
            _exit(6);
        _exit(pct_list_json(ctx, &list, NULL) == PCT_OK && list[0] == '[' ? 4 : 5);
    }
    mine = child;
    close(known[0]);
    close(known[1]);
}

/* 0 to 2 stay free: the library must not take its descriptors for streams. */
static int above(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 10);

    CHECK(fd >= 0 && copy >= 10 && close(fd) == 0);
    return copy;
}

static void watch(int loop, int fd)
{
    struct epoll_event event;

    memset(&event, 0, sizeof event);
    event.events = EPOLLIN;
    event.data.fd = fd;
    CHECK(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) == 0);
}

/* Turns until the worker is done and the handler has its last child. */
static int turn(pct_ctx *ctx, int done)
{
    const struct itimerspec often = {{0, 20000000}, {0, 20000000}};
    struct epoll_event event;
    int loop = above(epoll_create1(EPOLL_CLOEXEC)), forks = 0;
    int ticks = above(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    uint64_t count;

    CHECK(timerfd_settime(ticks, 0, &often, NULL) == 0);
    watch(loop, ticks);
    watch(loop, done);
    while (!atomic_load(&over) || mine != 0) {
        if (epoll_wait(loop, &event, 1, -1) != 1) {
            CHECK(errno == EINTR);
            continue;
        }
        while (read(event.data.fd, &count, sizeof count) != sizeof count)
            CHECK(errno == EINTR);
        if (event.data.fd == done)
            atomic_store(&over, true);
        if (mine == 0 && !atomic_load(&over)) {
            fork_reader(ctx);
            forks++;
        }
    }
    close(ticks);
    close(loop);
    return forks;
}

int main(int argc, char **argv)
{
    static struct surroundings before;
    struct sigaction action;
    struct work work;
    pthread_t worker_thread, strangers[STRANGERS];
    int made[STRANGERS], i, forks, output;

    if (argc != 5)
        return 2;
    /* Nothing is inherited, and descriptors begin at 0. */
    CHECK(close_range(3, ~0U, 0) == 0);
    output = above(1);
    stderr = fdopen(above(2), "w");
    close(0);
    CHECK(chdir(argv[1]) == 0);
    umask(0077);
    memset(&action, 0, sizeof action);
    action.sa_handler = on_child; /* without SA_RESTART: calls are interrupted */
    CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
    look_around(&before);

    work.ctx = open_context(argv[1], argv[2]);
    work.template = argv[3];
    work.vmid = (uint32_t)strtoul(argv[4], NULL, 10);
    work.done = above(eventfd(0, EFD_CLOEXEC));
    CHECK(pthread_create(&worker_thread, NULL, worker, &work) == 0);
    for (i = 0; i < STRANGERS; i++)
        CHECK(pthread_create(&strangers[i], NULL, stranger, &made[i]) == 0);
    forks = turn(work.ctx, work.done);
    CHECK(pthread_join(worker_thread, NULL) == 0);
    for (i = 0; i < STRANGERS; i++)
        CHECK(pthread_join(strangers[i], NULL) == 0 && made[i] > 0);
    close(work.done);
    pct_ctx_free(work.ctx);

    CHECK(forks > 0 && reaped == forks && handled >= reaped);
    for (i = 0; i <= 2; i++)
        CHECK(fcntl(i, F_GETFD) == -1 && errno == EBADF);
    no_children();
    threads_become(1);
    nothing_changed(&before);
    dprintf(output, "ok\n");
    return 0;
}
