/* What calls on storages, snapshots and clones say of wrong arguments. Nothing
 * is changed by any of them.
 *
 * Arguments: a root directory whose only configuration is that of container
 * 9001, and the path of pct-helper. */

#include <unistd.h>

#include "check.h"

static void snapshots(pct_ctx *ctx)
{
    pct_snapshot_options snapshot;
    pct_delete_snapshot_options delete;
    pct_rollback_options rollback;
    pct_error *err = NULL;

    FAILS(pct_container_snapshot(NULL, 9001, "new", NULL, NULL, &err), PCT_E_NULL, "ctx");
    FAILS(pct_container_snapshot(ctx, 9001, NULL, NULL, NULL, &err), PCT_E_NULL, "name");
    FAILS(pct_container_snapshot(ctx, 9001, "\xff", NULL, NULL, &err), PCT_E_UTF8, "name");
    FAILS(pct_container_snapshot(ctx, 9001, "", NULL, NULL, &err), PCT_E_PARAMETER, "''");
    FAILS(pct_container_snapshot(ctx, 9001, "current", NULL, NULL, &err), PCT_E_PARAMETER, "'current'");
    FAILS(pct_container_snapshot(ctx, 9002, "new", NULL, NULL, &err), PCT_E_NOT_FOUND, "9002.conf");
    /* A file on a plain directory has none. */
    FAILS(pct_container_snapshot(ctx, 9001, "new", NULL, NULL, &err), PCT_E_UNSUPPORTED, "rootfs");
    memset(&snapshot, 0, sizeof snapshot);
    FAILS(pct_container_snapshot(ctx, 9001, "new", &snapshot, NULL, &err), PCT_E_STRUCT, "pct_snapshot_options");
    snapshot.struct_size = sizeof snapshot;
    snapshot.description = "\xff";
    FAILS(pct_container_snapshot(ctx, 9001, "new", &snapshot, NULL, &err), PCT_E_UTF8, "description");

    FAILS(pct_container_delete_snapshot(ctx, 9001, NULL, NULL, NULL, &err), PCT_E_NULL, "name");
    FAILS(pct_container_delete_snapshot(ctx, 9001, "two", NULL, NULL, &err), PCT_E_NOT_FOUND, "'two'");
    memset(&delete, 0, sizeof delete);
    delete.struct_size = sizeof delete;
    delete.reserved = 1;
    FAILS(pct_container_delete_snapshot(ctx, 9001, "one", &delete, NULL, &err), PCT_E_STRUCT, "reserved is 1");

    FAILS(pct_container_rollback(ctx, 9001, NULL, NULL, NULL, &err), PCT_E_NULL, "name");
    FAILS(pct_container_rollback(ctx, 9001, "two", NULL, NULL, &err), PCT_E_NOT_FOUND, "'two'");
    memset(&rollback, 0, sizeof rollback);
    rollback.struct_size = sizeof rollback;
    rollback.reserved = 1;
    FAILS(pct_container_rollback(ctx, 9001, "one", &rollback, NULL, &err), PCT_E_STRUCT, "pct_rollback_options: reserved");
}

static void clones(pct_ctx *ctx)
{
    pct_clone_options clone;
    pct_error *err = NULL;

    FAILS(pct_container_clone(ctx, 9001, 7, NULL, NULL, &err), PCT_E_PARAMETER, "invalid vmid 7");
    FAILS(pct_container_clone(ctx, 9002, 9003, NULL, NULL, &err), PCT_E_NOT_FOUND, "9002.conf");
    FAILS(pct_container_clone(ctx, 9001, 9001, NULL, NULL, &err), PCT_E_EXISTS, "already exists");
    memset(&clone, 0, sizeof clone);
    FAILS(pct_container_clone(ctx, 9001, 9003, &clone, NULL, &err), PCT_E_STRUCT, "pct_clone_options");
    clone.struct_size = sizeof clone;
    clone.linked = 1;
    FAILS(pct_container_clone(ctx, 9001, 9003, &clone, NULL, &err), PCT_E_UNSUPPORTED, "");
    clone.full = 1;
    FAILS(pct_container_clone(ctx, 9001, 9003, &clone, NULL, &err), PCT_E_PARAMETER, "full and linked");
    clone.linked = 0;
    clone.snapshot = "two";
    FAILS(pct_container_clone(ctx, 9001, 9003, &clone, NULL, &err), PCT_E_NOT_FOUND, "'two'");
    clone.snapshot = "\xff";
    FAILS(pct_container_clone(ctx, 9001, 9003, &clone, NULL, &err), PCT_E_UTF8, "snapshot");
    clone.snapshot = NULL;
    clone.storage = "elsewhere";
    FAILS(pct_container_clone(ctx, 9001, 9003, &clone, NULL, &err), PCT_E_NOT_FOUND, "'elsewhere'");
    clone.storage = "\xff";
    FAILS(pct_container_clone(ctx, 9001, 9003, &clone, NULL, &err), PCT_E_UTF8, "storage");
    clone.storage = NULL;
    clone.hostname = "\xff";
    FAILS(pct_container_clone(ctx, 9001, 9003, &clone, NULL, &err), PCT_E_UTF8, "hostname");
    clone.hostname = NULL;
    clone.description = "\xff";
    FAILS(pct_container_clone(ctx, 9001, 9003, &clone, NULL, &err), PCT_E_UTF8, "description");
    FAILS(pct_container_template(NULL, 9001, NULL, &err), PCT_E_NULL, "ctx");
    FAILS(pct_container_template(ctx, 9002, NULL, &err), PCT_E_NOT_FOUND, "9002.conf");
    FAILS(pct_container_template(ctx, 9001, NULL, &err), PCT_E_REFUSED, "snapshot");
}

static void moves(pct_ctx *ctx)
{
    pct_move_volume_options move;
    pct_reassign_volume_options reassign;
    pct_error *err = NULL;

    FAILS(pct_container_move_volume(ctx, 9001, NULL, "local", NULL, NULL, &err), PCT_E_NULL, "key");
    FAILS(pct_container_move_volume(ctx, 9001, "rootfs", NULL, NULL, NULL, &err), PCT_E_NULL, "storage");
    FAILS(pct_container_move_volume(ctx, 9001, "rootfs", "elsewhere", NULL, NULL, &err), PCT_E_NOT_FOUND, "'elsewhere'");
    FAILS(pct_container_move_volume(ctx, 9001, "memory", "local", NULL, NULL, &err), PCT_E_PARAMETER, "memory");
    memset(&move, 0, sizeof move);
    move.struct_size = sizeof move;
    move.digest = "\xff";
    FAILS(pct_container_move_volume(ctx, 9001, "rootfs", "local", &move, NULL, &err), PCT_E_UTF8, "digest");
    move.digest = NULL;
    move.reserved = 1;
    FAILS(pct_container_move_volume(ctx, 9001, "rootfs", "local", &move, NULL, &err), PCT_E_STRUCT, "reserved is 1");

    FAILS(pct_container_reassign_volume(ctx, 9001, NULL, 9002, NULL, NULL, &err), PCT_E_NULL, "key");
    FAILS(pct_container_reassign_volume(ctx, 9001, "mp0", 7, NULL, NULL, &err), PCT_E_PARAMETER, "invalid vmid 7");
    FAILS(pct_container_reassign_volume(ctx, 9001, "mp0", 9002, NULL, NULL, &err), PCT_E_NOT_FOUND, "9002.conf");
    memset(&reassign, 0, sizeof reassign);
    FAILS(pct_container_reassign_volume(ctx, 9001, "mp0", 9001, &reassign, NULL, &err), PCT_E_STRUCT,
          "pct_reassign_volume_options");
    reassign.struct_size = sizeof reassign;
    reassign.target_key = "rootfs";
    FAILS(pct_container_reassign_volume(ctx, 9001, "mp0", 9001, &reassign, NULL, &err), PCT_E_PARAMETER, "root");
    reassign.target_key = "\xff";
    FAILS(pct_container_reassign_volume(ctx, 9001, "mp0", 9001, &reassign, NULL, &err), PCT_E_UTF8, "target_key");
    reassign.target_key = NULL;
    reassign.target_digest = "\xff";
    FAILS(pct_container_reassign_volume(ctx, 9001, "mp0", 9001, &reassign, NULL, &err), PCT_E_UTF8, "target_digest");
}

static void storages(pct_ctx *ctx)
{
    static const char *const no_value[] = {"path", NULL};
    static const char *const not_utf8[] = {"path=/\xff", NULL};
    static const char *const path[] = {"path=/x", NULL};
    pct_storage_set_options set;
    pct_error *err = NULL;
    char *text = (char *)ctx;

    FAILS(pct_storage_status_json(NULL, &text, &err), PCT_E_NULL, "ctx");
    CHECK(text == NULL);
    FAILS(pct_storage_status_json(ctx, NULL, &err), PCT_E_NULL, "out");
    OK(pct_storage_status_json(ctx, &text, &err));
    CHECK(has(text, "\"storage\":\"local\""));

    FAILS(pct_storage_add(NULL, "dir", "new", path, &err), PCT_E_NULL, "ctx");
    FAILS(pct_storage_add(ctx, NULL, "new", path, &err), PCT_E_NULL, "kind");
    FAILS(pct_storage_add(ctx, "dir", NULL, path, &err), PCT_E_NULL, "storage");
    FAILS(pct_storage_add(ctx, "dir", "new", NULL, &err), PCT_E_PARAMETER, "'path'");
    FAILS(pct_storage_add(ctx, "dir", "new", no_value, &err), PCT_E_PARAMETER, "config 'path' is not of the form key=value");
    FAILS(pct_storage_add(ctx, "dir", "new", not_utf8, &err), PCT_E_UTF8, "config 'path=");
    FAILS(pct_storage_add(ctx, "dir", "7", path, &err), PCT_E_PARAMETER, "no id of a storage");

    memset(&set, 0, sizeof set);
    FAILS(pct_storage_set(ctx, "new", &set, &err), PCT_E_STRUCT, "pct_storage_set_options");
    set.struct_size = sizeof set;
    FAILS(pct_storage_set(ctx, NULL, &set, &err), PCT_E_NULL, "storage");
    FAILS(pct_storage_set(ctx, "new", &set, &err), PCT_E_NOT_FOUND, "'new'");
    set.set = no_value;
    FAILS(pct_storage_set(ctx, "new", &set, &err), PCT_E_PARAMETER, "key=value");
    set.set = NULL;
    set.unset = not_utf8;
    FAILS(pct_storage_set(ctx, "new", &set, &err), PCT_E_UTF8, "unset");
    FAILS(pct_storage_remove(ctx, NULL, &err), PCT_E_NULL, "storage");
    FAILS(pct_storage_remove(ctx, "new", &err), PCT_E_NOT_FOUND, "'new'");
}

static void contents(pct_ctx *ctx)
{
    pct_contents_options contents;
    pct_allocate_options allocate;
    pct_error *err = NULL;
    char *text = (char *)ctx;

    FAILS(pct_storage_contents_json(ctx, NULL, NULL, &text, &err), PCT_E_NULL, "storage");
    CHECK(text == NULL);
    FAILS(pct_storage_contents_json(ctx, "local", NULL, NULL, &err), PCT_E_NULL, "out");
    FAILS(pct_storage_contents_json(ctx, "elsewhere", NULL, &text, &err), PCT_E_NOT_FOUND, "elsewhere");
    memset(&contents, 0, sizeof contents);
    contents.struct_size = sizeof contents;
    contents.content = "iso";
    FAILS(pct_storage_contents_json(ctx, "local", &contents, &text, &err), PCT_E_PARAMETER, "'iso'");
    contents.content = "vztmpl";
    contents.vmid = 7;
    FAILS(pct_storage_contents_json(ctx, "local", &contents, &text, &err), PCT_E_PARAMETER, "invalid vmid 7");
    contents.vmid = 0;
    OK(pct_storage_contents_json(ctx, "local", &contents, &text, &err));
    CHECK(has(text, "[]"));
    contents.reserved = 1;
    FAILS(pct_storage_contents_json(ctx, "local", &contents, &text, &err), PCT_E_STRUCT, "pct_contents_options: reserved");

    text = (char *)ctx;
    FAILS(pct_volume_allocate(ctx, NULL, 9001, 0, NULL, &text, &err), PCT_E_NULL, "storage");
    CHECK(text == NULL);
    FAILS(pct_volume_allocate(ctx, "local", 9001, 0, NULL, NULL, &err), PCT_E_NULL, "volume");
    FAILS(pct_volume_allocate(ctx, "local", 7, 0, NULL, &text, &err), PCT_E_PARAMETER, "invalid vmid 7");
    FAILS(pct_volume_allocate(ctx, "elsewhere", 9001, 0, NULL, &text, &err), PCT_E_NOT_FOUND, "elsewhere");
    CHECK(pct_volume_allocate(ctx, "local", 9001, UINT64_MAX, NULL, &text, &err) != PCT_OK && text == NULL);
    pct_error_free(err);
    memset(&allocate, 0, sizeof allocate);
    allocate.struct_size = sizeof allocate;
    allocate.format = "\xff";
    FAILS(pct_volume_allocate(ctx, "local", 9001, 0, &allocate, &text, &err), PCT_E_UTF8, "format");

    FAILS(pct_volume_path(ctx, "local:x", NULL, &err), PCT_E_NULL, "path");
    FAILS(pct_volume_path(ctx, NULL, &text, &err), PCT_E_NULL, "volume");
    FAILS(pct_volume_path(ctx, "nothing", &text, &err), PCT_E_PARAMETER, "nothing");
    FAILS(pct_volume_path(ctx, "local:../x", &text, &err), PCT_E_PARAMETER, "../x");
    FAILS(pct_volume_remove(ctx, NULL, &err), PCT_E_NULL, "volume");
    FAILS(pct_volume_remove(ctx, "\xff", &err), PCT_E_UTF8, "volume");
    FAILS(pct_volume_remove(ctx, "elsewhere:9001/x", &err), PCT_E_NOT_FOUND, "elsewhere");
    FAILS(pct_volume_remove(ctx, "local:vztmpl/x.tar.gz", &err), PCT_E_PARAMETER, "x.tar.gz");
}

static void streams(pct_ctx *ctx)
{
    static const char image[] = "local:9001/vm-9001-disk-0.raw", size[] = "\0\4\0\0\0\0\0\0";
    pct_volume_export_options export;
    pct_volume_import_options import;
    pct_progress progress;
    pct_error *err = NULL;
    char *text = (char *)ctx;
    FILE *file = tmpfile();
    int fd;

    CHECK(file != NULL);
    fd = fileno(file);
    FAILS(pct_volume_export(NULL, image, "raw+size", fd, NULL, NULL, &err), PCT_E_NULL, "ctx");
    FAILS(pct_volume_export(ctx, NULL, "raw+size", fd, NULL, NULL, &err), PCT_E_NULL, "volume");
    FAILS(pct_volume_export(ctx, "nothing", "raw+size", fd, NULL, NULL, &err), PCT_E_PARAMETER, "nothing");
    FAILS(pct_volume_export(ctx, image, NULL, fd, NULL, NULL, &err), PCT_E_NULL, "format");
    FAILS(pct_volume_export(ctx, image, "qcow2+size", fd, NULL, NULL, &err), PCT_E_PARAMETER,
          "format: 'qcow2+size' is not one of raw+size, tar+size, btrfs, zfs");
    FAILS(pct_volume_export(ctx, image, "\xff", fd, NULL, NULL, &err), PCT_E_UTF8, "format");
    FAILS(pct_volume_export(ctx, image, "zfs", fd, NULL, NULL, &err), PCT_E_PARAMETER, "but raw+size");
    FAILS(pct_volume_export(ctx, image, "raw+size", -1, NULL, NULL, &err), PCT_E_FD, "fd is -1");
    FAILS(pct_volume_export(ctx, image, "raw+size", fd, NULL, NULL, &err), PCT_E_NOT_FOUND, "vm-9001-disk-0.raw");
    FAILS(pct_volume_export(ctx, "elsewhere:9001/x", "raw+size", fd, NULL, NULL, &err), PCT_E_NOT_FOUND, "elsewhere");
    memset(&export, 0, sizeof export);
    FAILS(pct_volume_export(ctx, image, "raw+size", fd, &export, NULL, &err), PCT_E_STRUCT, "pct_volume_export_options");
    export.struct_size = sizeof export;
    export.snapshot = "\xff";
    FAILS(pct_volume_export(ctx, image, "raw+size", fd, &export, NULL, &err), PCT_E_UTF8, "snapshot");
    export.snapshot = NULL;
    export.base = "one";
    FAILS(pct_volume_export(ctx, image, "raw+size", fd, &export, NULL, &err), PCT_E_PARAMETER, "base: only with");
    export.base = NULL;
    export.with_snapshots = 1;
    FAILS(pct_volume_export(ctx, image, "raw+size", fd, &export, NULL, &err), PCT_E_PARAMETER, "snapshots: only with");
    export.reserved = 1;
    FAILS(pct_volume_export(ctx, image, "raw+size", fd, &export, NULL, &err), PCT_E_STRUCT, "reserved is 1");
    memset(&progress, 0, sizeof progress);
    FAILS(pct_volume_export(ctx, image, "raw+size", fd, NULL, &progress, &err), PCT_E_STRUCT, "pct_progress");

    FAILS(pct_volume_import(NULL, image, "raw+size", fd, NULL, NULL, &text, &err), PCT_E_NULL, "ctx");
    CHECK(text == NULL);
    FAILS(pct_volume_import(ctx, image, "raw+size", fd, NULL, NULL, NULL, &err), PCT_E_NULL, "made");
    FAILS(pct_volume_import(ctx, NULL, "raw+size", fd, NULL, NULL, &text, &err), PCT_E_NULL, "volume");
    FAILS(pct_volume_import(ctx, "local:../x", "raw+size", fd, NULL, NULL, &text, &err), PCT_E_PARAMETER, "../x");
    FAILS(pct_volume_import(ctx, image, NULL, fd, NULL, NULL, &text, &err), PCT_E_NULL, "format");
    FAILS(pct_volume_import(ctx, image, "raw", fd, NULL, NULL, &text, &err), PCT_E_PARAMETER, "'raw' is not one of");
    FAILS(pct_volume_import(ctx, image, "tar+size", fd, NULL, NULL, &text, &err), PCT_E_PARAMETER, "but raw+size");
    FAILS(pct_volume_import(ctx, image, "raw+size", 9999, NULL, NULL, &text, &err), PCT_E_FD, "fd is 9999");
    FAILS(pct_volume_import(ctx, image, "raw+size", fd, NULL, NULL, &text, &err), PCT_E_SYSTEM, "the size at the beginning");
    memset(&import, 0, sizeof import);
    FAILS(pct_volume_import(ctx, image, "raw+size", fd, &import, NULL, &text, &err), PCT_E_STRUCT,
          "pct_volume_import_options");
    import.struct_size = sizeof import;
    import.base = "\xff";
    FAILS(pct_volume_import(ctx, image, "raw+size", fd, &import, NULL, &text, &err), PCT_E_UTF8, "base");
    import.base = NULL;
    import.snapshot = "one";
    FAILS(pct_volume_import(ctx, image, "raw+size", fd, &import, NULL, &text, &err), PCT_E_PARAMETER, "snapshot: only with");
    import.snapshot = NULL;
    import.delete_snapshot = "\xff";
    FAILS(pct_volume_import(ctx, image, "raw+size", fd, &import, NULL, &text, &err), PCT_E_UTF8, "delete_snapshot");
    import.delete_snapshot = NULL;
    import.reserved = 1;
    FAILS(pct_volume_import(ctx, image, "raw+size", fd, &import, NULL, &text, &err), PCT_E_STRUCT, "reserved is 1");
    memset(&progress, 0, sizeof progress);
    FAILS(pct_volume_import(ctx, image, "raw+size", fd, NULL, &progress, &text, &err), PCT_E_STRUCT, "pct_progress");
    CHECK(text == NULL);

    /* It says how long it is, and ends. */
    CHECK(pwrite(fd, size, 8, 0) == 8);
    FAILS(pct_volume_import(ctx, image, "raw+size", fd, NULL, NULL, &text, &err), PCT_E_SYSTEM, "after 0 of 1024 bytes");
    CHECK(text == NULL);
    OK(pct_storage_contents_json(ctx, "local", NULL, &text, &err));
    CHECK(has(text, "[]"));
    fclose(file);
}

int main(int argc, char **argv)
{
    pct_ctx *ctx;

    if (argc != 3)
        return 2;
    ctx = open_context(argv[1], argv[2]);
    snapshots(ctx);
    clones(ctx);
    moves(ctx);
    storages(ctx);
    contents(ctx);
    streams(ctx);
    pct_ctx_free(ctx);
    puts("ok");
    return 0;
}
