/* Makes a container from a template, starts it, runs a command inside, and
 * removes it.
 *
 * Usage: lifecycle <vmid> <template> [<root directory> [<pct-helper>]]
 *
 * Build: cc lifecycle.c $(pkg-config --cflags --libs pct) -o lifecycle */

#include <pct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Shows what an operation has to say. */
static int message(void *user, const char *text)
{
    (void)user;
    printf("%s\n", text);
    return 0;
}

static int warning(void *user, const char *text)
{
    (void)user;
    printf("warning: %s\n", text);
    return 0;
}

static const pct_progress print = {
    .struct_size = sizeof(pct_progress),
    .message = message,
    .warning = warning,
};

/* Runs `hostname` inside and shows what it prints. */
static pct_status show_hostname(pct_ctx *ctx, uint32_t vmid, pct_error **err)
{
    static const char *const argv[] = {"hostname", NULL};
    pct_exec_options options = {.struct_size = sizeof options};
    int from_inside[2], exit_status;
    char output[256];
    ssize_t length;
    pct_status status;

    if (pipe(from_inside) != 0) {
        perror("pipe");
        return PCT_E_SYSTEM;
    }
    options.stdout_fd = from_inside[1];
    /* One line fits into the pipe; who expects more reads while it runs. */
    status = pct_container_exec_wait(ctx, vmid, argv, &options, &exit_status, err);
    close(from_inside[1]);
    if (status == PCT_OK) {
        length = read(from_inside[0], output, sizeof output - 1);
        output[length > 0 ? length : 0] = '\0';
        output[strcspn(output, "\n")] = '\0';
        printf("inside: %s\n", output);
    }
    close(from_inside[0]);
    return status;
}

/* What happens between create and destroy. */
static pct_status run(pct_ctx *ctx, uint32_t vmid, pct_error **err)
{
    const pct_config_options current = {.struct_size = sizeof current, .current = 1};
    char *config;
    bool running;
    pct_status status;

    if ((status = pct_container_start(ctx, vmid, NULL, &print, err)) != PCT_OK)
        return status;
    if ((status = pct_container_config_text(ctx, vmid, &current, &config, err)) != PCT_OK)
        return status;
    fputs(config, stdout);
    pct_string_free(config);
    if ((status = show_hostname(ctx, vmid, err)) != PCT_OK)
        return status;
    if ((status = pct_container_stop(ctx, vmid, NULL, &print, err)) != PCT_OK)
        return status;
    if ((status = pct_container_is_running(ctx, vmid, &running, err)) != PCT_OK)
        return status;
    printf("status: %s\n", running ? "running" : "stopped");
    return PCT_OK;
}

/* Says why a call failed, frees the error, and tells whether it did. Takes the
 * address of the error: C may read its value before the call has set it. */
static bool failed(pct_status status, pct_error **err)
{
    if (status == PCT_OK)
        return false;
    fprintf(stderr, "Error: %s\n", *err != NULL ? pct_error_message(*err) : pct_status_str(status));
    pct_error_free(*err);
    *err = NULL;
    return true;
}

int main(int argc, char **argv)
{
    static const char *const config[] = {"hostname=example", "rootfs=local:0", NULL};
    pct_ctx_options where = {.struct_size = sizeof where};
    pct_create_options create = {.struct_size = sizeof create, .config = config};
    const pct_destroy_options destroy = {.struct_size = sizeof destroy, .force = 1};
    pct_ctx *ctx = NULL;
    pct_error *err = NULL;
    uint32_t vmid;
    bool bad;

    if (argc < 3 || argc > 5) {
        fprintf(stderr, "usage: lifecycle <vmid> <template> [<root directory> [<pct-helper>]]\n");
        return 1;
    }
    vmid = (uint32_t)strtoul(argv[1], NULL, 10);
    create.ostemplate = argv[2];
    where.root = argc > 3 ? argv[3] : NULL;
    where.helper = argc > 4 ? argv[4] : NULL;
    if (failed(pct_ctx_new(&where, &ctx, &err), &err))
        return 1;

    bad = failed(pct_container_create(ctx, vmid, &create, &print, &err), &err);
    if (!bad) {
        bad = failed(run(ctx, vmid, &err), &err);
        /* Whatever happened: nothing of the example stays. */
        bad = failed(pct_container_destroy(ctx, vmid, &destroy, NULL, &err), &err) || bad;
    }
    pct_ctx_free(ctx);
    return bad ? 1 : 0;
}
