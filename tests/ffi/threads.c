/* Many threads at once, each with a container of its own and all with one
 * context, from C.
 *
 * Arguments: the root directory, the path of pct-helper, and the containers,
 * which are stopped. */

#include "process.h"

enum { MOST = 16, ROUNDS = 2 };

static pct_ctx *ctx;
static pthread_barrier_t together;

/* The number and the round are in all that a thread asks for, so that an
 * answer to another thread shows. */
static void round_of(uint32_t vmid, int round)
{
    static const char *const forget[] = {"tags", NULL};
    const char *set[3];
    char memory[32], tags[32], script[64], want[64], text[64];
    pct_set_options options;
    pct_error *err = NULL;
    char *json = NULL;
    bool running = false;

    pthread_barrier_wait(&together);
    OK(pct_container_start(ctx, vmid, NULL, NULL, &err));

    snprintf(script, sizeof script, "cat /proc/sys/kernel/hostname; echo %u-%d", (unsigned)vmid, round);
    snprintf(want, sizeof want, "CT%u\n%u-%d\n", (unsigned)vmid, (unsigned)vmid, round);
    output_of(ctx, vmid, script, text, sizeof text);
    CHECK(strcmp(text, want) == 0);

    snprintf(memory, sizeof memory, "memory=%u", (unsigned)(vmid % 1000 + 100 + round));
    snprintf(tags, sizeof tags, "tags=t%u", (unsigned)vmid);
    set[0] = memory;
    set[1] = tags;
    set[2] = NULL;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.set = set;
    OK(pct_container_set(ctx, vmid, &options, NULL, &err));

    snprintf(want, sizeof want, "\"maxmem\":%llu,", (unsigned long long)(vmid % 1000 + 100 + round) << 20);
    OK(pct_container_status_json(ctx, vmid, &json, &err));
    CHECK(strstr(json, want) != NULL && strstr(json, "\"status\":\"running\"") != NULL);
    snprintf(want, sizeof want, "\"tags\":\"t%u\"", (unsigned)vmid);
    CHECK(has(json, want));
    options.set = NULL;
    options.unset = forget;
    OK(pct_container_set(ctx, vmid, &options, NULL, &err));

    OK(pct_container_stop(ctx, vmid, NULL, NULL, &err));
    OK(pct_container_is_running(ctx, vmid, &running, &err));
    CHECK(!running);
    /* An error is the thread's own, too. */
    snprintf(want, sizeof want, "CT %u not running", (unsigned)vmid);
    FAILS(pct_container_stop(ctx, vmid, NULL, NULL, &err), PCT_E_NOT_RUNNING, want);
}

static void *drive(void *vmid)
{
    int round;

    for (round = 0; round < ROUNDS; round++)
        round_of(*(const uint32_t *)vmid, round);
    return NULL;
}

int main(int argc, char **argv)
{
    static struct surroundings before;
    pthread_t threads[MOST];
    uint32_t vmids[MOST];
    int count = argc - 3, i;

    if (count < 1 || count > MOST)
        return 2;
    look_around(&before);
    ctx = open_context(argv[1], argv[2]);
    CHECK(pthread_barrier_init(&together, NULL, (unsigned)count) == 0);
    for (i = 0; i < count; i++) {
        vmids[i] = (uint32_t)strtoul(argv[3 + i], NULL, 10);
        CHECK(pthread_create(&threads[i], NULL, drive, &vmids[i]) == 0);
    }
    for (i = 0; i < count; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    pct_ctx_free(ctx);

    no_children();
    threads_become(1);
    nothing_changed(&before);
    puts("ok");
    return 0;
}
