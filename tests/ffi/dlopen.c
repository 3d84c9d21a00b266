/* The library loaded by a program that was not linked with it, and that forks
 * afterwards while a thread is in the library: the children execute nothing,
 * and read by it.
 *
 * Arguments: the library, and a root directory with container 9001. */

#include <dlfcn.h>
#include <pct.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition)                                                         \
    do {                                                                         \
        if (!(condition)) {                                                      \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            _exit(1);                                                            \
        }                                                                        \
    } while (0)

static __typeof__(pct_ctx_new) *ctx_new;
static __typeof__(pct_ctx_free) *ctx_free;
static __typeof__(pct_list_json) *list_json;
static __typeof__(pct_config_parse) *config_parse;
static __typeof__(pct_string_free) *string_free;

static pct_ctx *ctx;
static atomic_bool over;

static void reads(void)
{
    static const char config[] = "hostname: forked\n";
    char *text = NULL;

    CHECK(list_json(ctx, &text, NULL) == PCT_OK && strstr(text, "\"vmid\":9001") != NULL);
    string_free(text);
    CHECK(config_parse(config, sizeof config - 1, 9001, &text, NULL) == PCT_OK && strstr(text, "forked") != NULL);
    string_free(text);
}

static void *keeps_reading(void *unused)
{
    while (!atomic_load(&over))
        reads();
    return unused;
}

static void *symbol(void *library, const char *name)
{
    void *found = dlsym(library, name);

    CHECK(found != NULL);
    return found;
}

int main(int argc, char **argv)
{
    pct_ctx_options options = {.struct_size = sizeof options};
    void *library = argc == 3 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    pthread_t thread;
    int status, i;
    pid_t child;

    CHECK(library != NULL);
    /* As in dlsym(3): ISO C knows no way from one kind of pointer to the other. */
    *(void **)&ctx_new = symbol(library, "pct_ctx_new");
    *(void **)&ctx_free = symbol(library, "pct_ctx_free");
    *(void **)&list_json = symbol(library, "pct_list_json");
    *(void **)&config_parse = symbol(library, "pct_config_parse");
    *(void **)&string_free = symbol(library, "pct_string_free");

    options.root = argv[2];
    CHECK(ctx_new(&options, &ctx, NULL) == PCT_OK);
    CHECK(pthread_create(&thread, NULL, keeps_reading, NULL) == 0);
    for (i = 0; i < 100; i++) {
        CHECK((child = fork()) >= 0);
        if (child == 0) {
            reads();
            _exit(7);
        }
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7);
    }
    atomic_store(&over, true);
    CHECK(pthread_join(thread, NULL) == 0);
    reads();
    ctx_free(ctx);
    CHECK(dlclose(library) == 0);
    puts("ok");
    return 0;
}
