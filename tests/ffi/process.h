/* What is left in a process, and what a call may not change in it. */
#ifndef PROCESS_H
#define PROCESS_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

/* How many entries a folder has, without the one that looks. */
static inline int entries(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    int count = 0;

    CHECK(folder != NULL);
    while ((entry = readdir(folder)) != NULL)
        count += entry->d_name[0] != '.' && (strcmp(path, "/proc/self/fd") != 0 || atoi(entry->d_name) != dirfd(folder));
    closedir(folder);
    return count;
}

/* What pthread_join lets go of is gone only a moment later. */
static inline void threads_become(int count)
{
    time_t end = time(NULL) + 10;

    while (entries("/proc/self/task") != count) {
        CHECK(time(NULL) < end);
        sched_yield();
    }
}

static inline void no_children(void)
{
    errno = 0;
    CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

/* All that the process has for all of its threads. */
struct surroundings {
    struct sigaction actions[NSIG];
    char folder[PATH_MAX];
    mode_t umask;
    int descriptors;
};

static inline void look_around(struct surroundings *around)
{
    int signal;

    memset(around, 0, sizeof *around);
    for (signal = 1; signal < NSIG; signal++)
        sigaction(signal, NULL, &around->actions[signal]); /* not for the two of the C library */
    CHECK(getcwd(around->folder, sizeof around->folder) != NULL);
    around->umask = umask(0);
    umask(around->umask);
    around->descriptors = entries("/proc/self/fd");
}

static inline void nothing_changed(const struct surroundings *before)
{
    static struct surroundings now;
    int signal;

    look_around(&now);
    for (signal = 1; signal < NSIG; signal++) {
        CHECK(now.actions[signal].sa_handler == before->actions[signal].sa_handler);
        CHECK(now.actions[signal].sa_flags == before->actions[signal].sa_flags);
    }
    CHECK(strcmp(now.folder, before->folder) == 0 && now.umask == before->umask);
    CHECK(now.descriptors == before->descriptors);
}

/* What a shell command in a container prints, at most what fits into a pipe;
 * it must succeed. */
static inline void output_of(pct_ctx *ctx, uint32_t vmid, const char *script, char *text, size_t size)
{
    const char *argv[4];
    pct_exec_options options;
    pct_error *err = NULL;
    int ends[2], exit_status = -7;
    ssize_t got;

    argv[0] = "/bin/sh";
    argv[1] = "-c";
    argv[2] = script;
    argv[3] = NULL;
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.stdout_fd = ends[1];
    OK(pct_container_exec_wait(ctx, vmid, argv, &options, &exit_status, &err));
    CHECK(exit_status == 0);
    close(ends[1]);
    CHECK((got = read(ends[0], text, size - 1)) >= 0);
    text[got] = '\0';
    close(ends[0]);
}

#endif
