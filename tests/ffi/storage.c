/* Storages, and what is made of a container on them, from C.
 *
 * Arguments: the root directory, the path of pct-helper, a template with
 * busybox, a folder on a btrfs, and two numbers that are free. */

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

struct host {
    pct_ctx *ctx;
    const char *template, *btrfs;
    uint32_t vmid, clone;
};

static char *config_of(const struct host *host, uint32_t vmid)
{
    pct_error *err = NULL;
    char *json = NULL;

    OK(pct_container_config_json(host->ctx, vmid, NULL, &json, &err));
    return json;
}

static bool lacks(char *json, const char *part)
{
    bool found = strstr(json, part) != NULL;

    pct_string_free(json);
    return !found;
}

/* What a storage has of a container. */
static char *contents_of(const struct host *host, const char *storage, uint32_t vmid)
{
    pct_contents_options options;
    pct_error *err = NULL;
    char *json = NULL;

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.vmid = vmid;
    options.content = "rootdir";
    OK(pct_storage_contents_json(host->ctx, storage, &options, &json, &err));
    return json;
}

static char *status_of(const struct host *host)
{
    pct_error *err = NULL;
    char *json = NULL;

    OK(pct_storage_status_json(host->ctx, &json, &err));
    return json;
}

static void storages(const struct host *host)
{
    static const char *const unset[] = {"content", NULL};
    const char *config[] = {NULL, "content=rootdir", NULL};
    const char *change[] = {"content=images", "preallocation=off", NULL};
    const char *wrong[] = {"colour=red", NULL};
    pct_storage_set_options set;
    pct_error *err = NULL;
    char path[4096], *json;

    CHECK(has(status_of(host), "\"active\":1,\"avail\":"));
    snprintf(path, sizeof path, "path=%s", host->btrfs);
    config[0] = path;
    FAILS(pct_storage_add(host->ctx, "floppy", "fast", config, &err), PCT_E_PARAMETER, "there is no type 'floppy'");
    FAILS(pct_storage_add(host->ctx, "btrfs", "fast", config + 2, &err), PCT_E_PARAMETER, "'path'");
    OK(pct_storage_add(host->ctx, "btrfs", "fast", config, &err));
    FAILS(pct_storage_add(host->ctx, "dir", "fast", config, &err), PCT_E_EXISTS, "'fast' is there already");
    json = status_of(host);
    CHECK(strstr(json, "\"storage\":\"local\"") < strstr(json, "\"storage\":\"fast\""));
    CHECK(has(json, "\"type\":\"btrfs\""));

    memset(&set, 0, sizeof set);
    set.struct_size = sizeof set;
    set.set = change;
    OK(pct_storage_set(host->ctx, "fast", &set, &err));
    CHECK(has(status_of(host), "\"content\":\"images\""));
    set.set = wrong;
    FAILS(pct_storage_set(host->ctx, "fast", &set, &err), PCT_E_PARAMETER, "'colour'");
    set.set = NULL;
    set.unset = unset;
    FAILS(pct_storage_set(host->ctx, "slow", &set, &err), PCT_E_NOT_FOUND, "storage 'slow' does not exist");
    OK(pct_storage_set(host->ctx, "fast", &set, &err));
    CHECK(lacks(status_of(host), "\"content\":\"images\""));
    set.set = config + 1;
    set.unset = NULL;
    OK(pct_storage_set(host->ctx, "fast", &set, &err));

    config[0] = "path=/nonexistent/there";
    OK(pct_storage_add(host->ctx, "dir", "lost", config, &err));
    OK(pct_storage_remove(host->ctx, "lost", &err));
    FAILS(pct_storage_remove(host->ctx, "lost", &err), PCT_E_NOT_FOUND, "'lost'");
    CHECK(lacks(status_of(host), "\"lost\""));
}

static void volumes(const struct host *host)
{
    pct_allocate_options options;
    pct_error *err = NULL;
    char *volume = NULL, *path = NULL;

    OK(pct_volume_allocate(host->ctx, "local", host->vmid, 5000, NULL, &volume, &err));
    /* There is no container of this number yet. */
    CHECK(has(contents_of(host, "local", host->vmid), "\"content\":\"images\",\"format\":\"raw\",\"size\":5120,"));
    CHECK(has(contents_of(host, "local", host->vmid), volume));
    OK(pct_volume_path(host->ctx, volume, &path, &err));
    CHECK(access(path, F_OK) == 0);
    OK(pct_volume_remove(host->ctx, volume, &err));
    CHECK(access(path, F_OK) != 0);
    pct_string_free(path);
    FAILS(pct_volume_path(host->ctx, volume, &path, &err), PCT_E_NOT_FOUND, "does not exist");
    CHECK(path == NULL);
    OK(pct_volume_remove(host->ctx, volume, &err));
    pct_string_free(volume);

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.format = "subvol";
    OK(pct_volume_allocate(host->ctx, "fast", host->vmid, 0, &options, &volume, &err));
    CHECK(has(contents_of(host, "fast", host->vmid), "\"format\":\"subvol\",\"size\":0,"));
    OK(pct_volume_remove(host->ctx, volume, &err));
    pct_string_free(volume);
    CHECK(has(contents_of(host, "fast", host->vmid), "[]"));
    options.format = "qcow2";
    FAILS(pct_volume_allocate(host->ctx, "fast", host->vmid, 0, &options, &volume, &err), PCT_E_UNSUPPORTED, "qcow2");
    CHECK(volume == NULL);
}

static int count(void *user, const char *text)
{
    (void)text;
    ++*(int *)user;
    return 0;
}

/* Something is copied, and something is to come. */
static int stop_in_the_middle(void *user, uint64_t done, uint64_t total)
{
    if (done == 0 || done >= total)
        return 0;
    ++*(int *)user;
    return 1;
}

static int open_volume(const struct host *host, const char *volume)
{
    pct_error *err = NULL;
    char *path = NULL;
    int fd;

    OK(pct_volume_path(host->ctx, volume, &path, &err));
    fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0);
    pct_string_free(path);
    return fd;
}

/* A file without a name. */
static int scratch(void)
{
    int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    CHECK(fd >= 0);
    return fd;
}

/* All that is in a file, which has this size. */
static char *bytes_of(int fd, size_t size)
{
    char *bytes = malloc(size + 1);

    CHECK(bytes != NULL && pread(fd, bytes, size + 1, 0) == (ssize_t)size);
    return bytes;
}

static void rewind_to(int fd, off_t size)
{
    CHECK(ftruncate(fd, size) == 0 && lseek(fd, 0, SEEK_SET) == 0);
}

/* A pipe that gives what is in a file, so slowly that there is time to stop. */
static int slow_pipe(const char *bytes, size_t size, pid_t *feeder)
{
    enum { PIECE = 64 << 10 };
    int ends[2];
    size_t at;

    CHECK(pipe(ends) == 0 && (*feeder = fork()) >= 0);
    if (*feeder == 0) {
        close(ends[0]);
        for (at = 0; at + PIECE <= size; at += PIECE) {
            /* SIGPIPE ends it. */
            if (write(ends[1], bytes + at, PIECE) != PIECE)
                _exit(1);
            usleep(20000);
        }
        _exit(0);
    }
    close(ends[1]);
    return ends[0];
}

/* An image goes out and comes in. */
static void image_streams(const struct host *host)
{
    enum { SIZE = 4 << 20 };
    pct_volume_import_options import;
    pct_progress progress;
    pct_error *err = NULL;
    char *volume = NULL, *made = NULL, *one, *other, wanted[64];
    int image, slow, status, stream = scratch(), calls = 0;
    pid_t feeder;

    snprintf(wanted, sizeof wanted, "local:%u/vm-%u-disk-5.raw", host->vmid, host->vmid);
    OK(pct_volume_allocate(host->ctx, "local", host->vmid, SIZE, NULL, &volume, &err));
    image = open_volume(host, volume);
    CHECK(pwrite(image, "here", 4, 1000) == 4 && pwrite(image, "there", 5, SIZE - 5) == 5);
    one = bytes_of(image, SIZE);
    close(image);

    memset(&progress, 0, sizeof progress);
    progress.struct_size = sizeof progress;
    progress.user = &calls;
    progress.bytes = stop_in_the_middle;
    FAILS(pct_volume_export(host->ctx, volume, "raw+size", stream, NULL, &progress, &err), PCT_E_CANCELLED, "");
    CHECK(calls == 1 && lseek(stream, 0, SEEK_CUR) < SIZE);
    FAILS(pct_volume_export(host->ctx, volume, "tar+size", stream, NULL, NULL, &err), PCT_E_PARAMETER, "but raw+size");
    rewind_to(stream, 0);
    OK(pct_volume_export(host->ctx, volume, "raw+size", stream, NULL, NULL, &err));
    /* It is still the caller's, and stands behind what was written. */
    CHECK(lseek(stream, 0, SEEK_CUR) == 8 + SIZE);
    other = bytes_of(stream, 8 + SIZE);
    CHECK(memcmp(other, "\0\0\100\0\0\0\0\0", 8) == 0 && memcmp(other + 8, one, SIZE) == 0);

    slow = slow_pipe(other, 8 + SIZE, &feeder);
    free(other);
    calls = 0;
    FAILS(pct_volume_import(host->ctx, wanted, "raw+size", slow, NULL, &progress, &made, &err), PCT_E_CANCELLED, "");
    CHECK(calls == 1 && made == NULL && lacks(contents_of(host, "local", host->vmid), wanted));
    close(slow);
    CHECK(waitpid(feeder, &status, 0) == feeder && WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
    rewind_to(stream, 8 + SIZE);
    OK(pct_volume_import(host->ctx, wanted, "raw+size", stream, NULL, NULL, &made, &err));
    CHECK(strcmp(made, wanted) == 0);
    pct_string_free(made);
    image = open_volume(host, wanted);
    other = bytes_of(image, SIZE);
    CHECK(memcmp(other, one, SIZE) == 0);
    free(other);
    close(image);

    rewind_to(stream, 8 + SIZE);
    FAILS(pct_volume_import(host->ctx, wanted, "raw+size", stream, NULL, NULL, &made, &err), PCT_E_EXISTS, "disk-5");
    CHECK(made == NULL);
    memset(&import, 0, sizeof import);
    import.struct_size = sizeof import;
    import.allow_rename = 1;
    rewind_to(stream, 8 + SIZE);
    OK(pct_volume_import(host->ctx, wanted, "raw+size", stream, &import, NULL, &made, &err));
    CHECK(strcmp(made, wanted) != 0 && has(contents_of(host, "local", host->vmid), made));
    OK(pct_volume_remove(host->ctx, made, &err));
    pct_string_free(made);
    OK(pct_volume_remove(host->ctx, wanted, &err));

    rewind_to(stream, 8 + SIZE - 1);
    FAILS(pct_volume_import(host->ctx, wanted, "raw+size", stream, NULL, NULL, &made, &err), PCT_E_SYSTEM,
          "it ends after 4194303 of 4194304 bytes");
    CHECK(made == NULL && lacks(contents_of(host, "local", host->vmid), wanted));
    OK(pct_volume_remove(host->ctx, volume, &err));
    pct_string_free(volume);
    close(stream);
    free(one);
}

static void create(const struct host *host)
{
    static const char *const config[] = {"rootfs=fast:0", "hostname=first", NULL};
    pct_create_options options;
    pct_error *err = NULL;

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.ostemplate = host->template;
    options.config = config;
    OK(pct_container_create(host->ctx, host->vmid, &options, NULL, &err));
    CHECK(has(contents_of(host, "fast", host->vmid), "\"content\":\"rootdir\""));
}

static void change(const struct host *host, uint32_t vmid, const char *word)
{
    const char *words[] = {NULL, NULL};
    pct_set_options options;
    pct_error *err = NULL;

    words[0] = word;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.set = words;
    OK(pct_container_set(host->ctx, vmid, &options, NULL, &err));
}

/* The tree of a snapshot becomes one on another storage. */
static void tree_streams(const struct host *host)
{
    pct_volume_export_options export;
    pct_progress progress;
    pct_error *err = NULL;
    char *made = NULL, *path = NULL, volume[64], wanted[64], inside[4096];
    int stream = scratch(), calls = 0;
    off_t end;

    snprintf(volume, sizeof volume, "fast:%u/subvol-%u-disk-0.subvol", host->vmid, host->vmid);
    snprintf(wanted, sizeof wanted, "local:%u/subvol-%u-disk-0.subvol", host->clone, host->clone);
    memset(&export, 0, sizeof export);
    export.struct_size = sizeof export;
    export.snapshot = "one";
    OK(pct_volume_export(host->ctx, volume, "tar+size", stream, &export, NULL, &err));
    end = lseek(stream, 0, SEEK_CUR);

    memset(&progress, 0, sizeof progress);
    progress.struct_size = sizeof progress;
    progress.user = &calls;
    progress.bytes = stop_in_the_middle;
    rewind_to(stream, end);
    FAILS(pct_volume_import(host->ctx, wanted, "tar+size", stream, NULL, &progress, &made, &err), PCT_E_CANCELLED, "");
    CHECK(calls > 0 && made == NULL && has(contents_of(host, "local", host->clone), "[]"));
    rewind_to(stream, end / 2);
    FAILS(pct_volume_import(host->ctx, wanted, "tar+size", stream, NULL, NULL, &made, &err), PCT_E_PARAMETER, "archive");
    CHECK(made == NULL && has(contents_of(host, "local", host->clone), "[]"));
    rewind_to(stream, 0);
    OK(pct_volume_export(host->ctx, volume, "tar+size", stream, &export, NULL, &err));
    rewind_to(stream, end);
    OK(pct_volume_import(host->ctx, wanted, "tar+size", stream, NULL, NULL, &made, &err));
    OK(pct_volume_path(host->ctx, made, &path, &err));
    snprintf(inside, sizeof inside, "%s/bin/sh", path);
    CHECK(faccessat(AT_FDCWD, inside, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
    pct_string_free(path);
    OK(pct_volume_remove(host->ctx, made, &err));
    pct_string_free(made);
    close(stream);
}

/* Snapshots go out, the second one as what has changed since the first. */
static void snapshot_streams(const struct host *host)
{
    pct_volume_export_options export;
    pct_volume_import_options import;
    pct_error *err = NULL;
    char *made = NULL, volume[64], wanted[64];
    int stream = scratch();
    off_t end;

    snprintf(volume, sizeof volume, "fast:%u/subvol-%u-disk-0.subvol", host->vmid, host->vmid);
    snprintf(wanted, sizeof wanted, "fast:%u/subvol-%u-disk-0.subvol", host->clone, host->clone);
    memset(&export, 0, sizeof export);
    export.struct_size = sizeof export;
    memset(&import, 0, sizeof import);
    import.struct_size = sizeof import;
    FAILS(pct_volume_export(host->ctx, volume, "btrfs", stream, &export, NULL, &err), PCT_E_PARAMETER, "only a snapshot");
    export.snapshot = "none";
    FAILS(pct_volume_export(host->ctx, volume, "btrfs", stream, &export, NULL, &err), PCT_E_NOT_FOUND, "none");
    export.snapshot = "one";
    OK(pct_volume_export(host->ctx, volume, "btrfs", stream, &export, NULL, &err));
    end = lseek(stream, 0, SEEK_CUR);
    rewind_to(stream, end);
    OK(pct_volume_import(host->ctx, wanted, "btrfs", stream, &import, NULL, &made, &err));
    CHECK(strcmp(made, wanted) == 0);
    pct_string_free(made);

    rewind_to(stream, 0);
    export.snapshot = "two";
    export.base = "one";
    export.with_snapshots = 1;
    OK(pct_volume_export(host->ctx, volume, "btrfs", stream, &export, NULL, &err));
    CHECK(lseek(stream, 0, SEEK_CUR) < end);
    end = lseek(stream, 0, SEEK_CUR);
    rewind_to(stream, end);
    import.snapshot = "two";
    import.base = "one";
    import.delete_snapshot = "one";
    OK(pct_volume_import(host->ctx, wanted, "btrfs", stream, &import, NULL, &made, &err));
    pct_string_free(made);
    /* That snapshot is gone now. */
    rewind_to(stream, end);
    FAILS(pct_volume_import(host->ctx, wanted, "btrfs", stream, &import, NULL, &made, &err), PCT_E_NOT_FOUND, "one");
    CHECK(made == NULL);
    OK(pct_volume_remove(host->ctx, wanted, &err));
    CHECK(has(contents_of(host, "fast", host->clone), "[]"));
    close(stream);
}

/* The last one is kept: it is cloned later. */
static void snapshots(const struct host *host)
{
    pct_snapshot_options snapshot;
    pct_delete_snapshot_options delete;
    pct_rollback_options rollback;
    pct_error *err = NULL;
    char *json = NULL;
    bool running = false;

    memset(&snapshot, 0, sizeof snapshot);
    snapshot.struct_size = sizeof snapshot;
    snapshot.description = "na\xc3\xafve";
    OK(pct_container_snapshot(host->ctx, host->vmid, "one", &snapshot, NULL, &err));
    FAILS(pct_container_snapshot(host->ctx, host->vmid, "one", NULL, NULL, &err), PCT_E_EXISTS, "'one'");
    FAILS(pct_container_snapshot(host->ctx, host->vmid, "a b", NULL, NULL, &err), PCT_E_PARAMETER, "'a b'");
    OK(pct_container_snapshot(host->ctx, host->vmid, "two", NULL, NULL, &err));
    OK(pct_container_snapshots_json(host->ctx, host->vmid, &json, &err));
    CHECK(strstr(json, "{\"description\":\"na\xc3\xafve\\n\",\"name\":\"one\",\"snaptime\":") != NULL);
    CHECK(has(json, "\"name\":\"two\",\"parent\":\"one\","));
    tree_streams(host);
    snapshot_streams(host);

    memset(&delete, 0, sizeof delete);
    delete.struct_size = sizeof delete;
    delete.force = 1;
    OK(pct_container_delete_snapshot(host->ctx, host->vmid, "two", &delete, NULL, &err));
    FAILS(pct_container_delete_snapshot(host->ctx, host->vmid, "two", NULL, NULL, &err), PCT_E_NOT_FOUND, "'two'");

    change(host, host->vmid, "hostname=later");
    memset(&rollback, 0, sizeof rollback);
    rollback.struct_size = sizeof rollback;
    rollback.start = 1;
    FAILS(pct_container_rollback(host->ctx, host->vmid, "two", NULL, NULL, &err), PCT_E_NOT_FOUND, "'two'");
    OK(pct_container_rollback(host->ctx, host->vmid, "one", &rollback, NULL, &err));
    OK(pct_container_is_running(host->ctx, host->vmid, &running, &err));
    CHECK(running && has(config_of(host, host->vmid), "\"hostname\":\"first\""));
}

static void clones(const struct host *host)
{
    pct_clone_options options;
    pct_progress progress;
    pct_error *err = NULL;
    char *json = NULL;
    int calls = 0;

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.full = 1;
    FAILS(pct_container_clone(host->ctx, host->vmid, host->clone, &options, NULL, &err), PCT_E_RUNNING,
          "running container");
    FAILS(pct_container_clone(host->ctx, host->vmid, host->vmid, &options, NULL, &err), PCT_E_EXISTS, "already exists");
    options.snapshot = "one";
    options.storage = "local";
    options.hostname = "second";
    options.description = "of one";
    options.bwlimit = 256;

    memset(&progress, 0, sizeof progress);
    progress.struct_size = sizeof progress;
    progress.user = &calls;
    progress.bytes = stop_in_the_middle;
    FAILS(pct_container_clone(host->ctx, host->vmid, host->clone, &options, &progress, &err), PCT_E_CANCELLED,
          "clone failed: ");
    CHECK(calls > 0);
    FAILS(pct_container_config_json(host->ctx, host->clone, NULL, &json, &err), PCT_E_NOT_FOUND, "does not exist");
    CHECK(has(contents_of(host, "local", host->clone), "[]"));
    CHECK(lacks(config_of(host, host->vmid), "\"lock\""));

    options.bwlimit = 0;
    calls = 0;
    progress.bytes = NULL;
    progress.message = count;
    OK(pct_container_clone(host->ctx, host->vmid, host->clone, &options, &progress, &err));
    CHECK(calls > 0);
    json = config_of(host, host->clone);
    CHECK(strstr(json, "\"description\":\"of one\\n\"") != NULL && strstr(json, "\"rootfs\":\"local:") != NULL);
    CHECK(has(json, "\"hostname\":\"second\""));
}

static void moves(const struct host *host)
{
    pct_move_volume_options move;
    pct_reassign_volume_options reassign;
    pct_error *err = NULL;
    char *json;

    FAILS(pct_container_move_volume(host->ctx, host->vmid, "rootfs", "local", NULL, NULL, &err), PCT_E_RUNNING, "running");
    OK(pct_container_stop(host->ctx, host->vmid, NULL, NULL, &err));
    change(host, host->vmid, "mp0=fast:0.02,mp=/data");
    memset(&move, 0, sizeof move);
    move.struct_size = sizeof move;
    move.digest = "0000000000000000000000000000000000000000";
    FAILS(pct_container_move_volume(host->ctx, host->vmid, "mp0", "local", &move, NULL, &err), PCT_E_REFUSED, "modified");
    move.digest = NULL;
    move.delete_source = 1;
    move.bwlimit = 1 << 20;
    FAILS(pct_container_move_volume(host->ctx, host->vmid, "mp7", "local", &move, NULL, &err), PCT_E_NOT_FOUND, "mp7");
    OK(pct_container_move_volume(host->ctx, host->vmid, "mp0", "local", &move, NULL, &err));
    json = config_of(host, host->vmid);
    CHECK(strstr(json, "\"mp0\":\"local:") != NULL && strstr(json, "unused") == NULL);
    pct_string_free(json);

    memset(&reassign, 0, sizeof reassign);
    reassign.struct_size = sizeof reassign;
    reassign.target_key = "mp3";
    FAILS(pct_container_reassign_volume(host->ctx, host->vmid, "rootfs", host->clone, NULL, NULL, &err),
          PCT_E_PARAMETER, "root");
    reassign.target_digest = "0000000000000000000000000000000000000000";
    FAILS(pct_container_reassign_volume(host->ctx, host->vmid, "mp0", host->clone, &reassign, NULL, &err),
          PCT_E_REFUSED, "modified");
    reassign.target_digest = NULL;
    OK(pct_container_reassign_volume(host->ctx, host->vmid, "mp0", host->clone, &reassign, NULL, &err));
    CHECK(has(config_of(host, host->clone), "\"mp3\":\"local:"));
    CHECK(lacks(config_of(host, host->vmid), "\"mp0\""));
}

static void template(const struct host *host)
{
    pct_clone_options options;
    pct_error *err = NULL;

    FAILS(pct_container_template(host->ctx, host->vmid, NULL, &err), PCT_E_REFUSED, "snapshot");
    OK(pct_container_delete_snapshot(host->ctx, host->vmid, "one", NULL, NULL, &err));
    OK(pct_container_template(host->ctx, host->vmid, NULL, &err));
    FAILS(pct_container_start(host->ctx, host->vmid, NULL, NULL, &err), PCT_E_REFUSED, "template");
    OK(pct_container_destroy(host->ctx, host->clone, NULL, NULL, &err));

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.linked = 1;
    OK(pct_container_clone(host->ctx, host->vmid, host->clone, &options, NULL, &err));
    CHECK(has(config_of(host, host->vmid), "\"template\":1"));
    CHECK(lacks(config_of(host, host->clone), "\"template\""));
    CHECK(has(contents_of(host, "fast", host->clone), "\"format\":\"subvol\""));
    OK(pct_container_destroy(host->ctx, host->clone, NULL, NULL, &err));
    OK(pct_container_destroy(host->ctx, host->vmid, NULL, NULL, &err));
    CHECK(has(contents_of(host, "fast", 0), "[]"));
}

int main(int argc, char **argv)
{
    struct host host;

    if (argc != 7)
        return 2;
    host.ctx = open_context(argv[1], argv[2]);
    host.template = argv[3];
    host.btrfs = argv[4];
    host.vmid = (uint32_t)strtoul(argv[5], NULL, 10);
    host.clone = (uint32_t)strtoul(argv[6], NULL, 10);
    storages(&host);
    volumes(&host);
    image_streams(&host);
    create(&host);
    snapshots(&host);
    clones(&host);
    moves(&host);
    template(&host);
    pct_ctx_free(host.ctx);
    puts("ok");
    return 0;
}
