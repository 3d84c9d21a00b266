/* Made from libpct/src/ffi by `make header`: change that, not this. */

/*
 * The C interface of libpct, the library of system containers.
 *
 * Every other language uses it, too. It adds nothing to the library but the
 * translation between C and its values. These conventions hold for all of it:
 *
 * Contexts. There are no globals: each call works on a pct_ctx, which says
 * where containers are. One context may be used by several threads at the
 * same time; only pct_ctx_free must be the last call on it.
 *
 * Results. A call that can fail returns a pct_status, PCT_OK (0) or one of
 * the numbers PCT_E_*, which are never given another meaning. Its last
 * parameter takes an error object, or NULL: *err is set by each call, to NULL
 * on success and else to an object that says what was attempted, on what, why
 * it failed and, where that is known, what to do. The caller frees it with
 * pct_error_free. What other out-parameters point to is set by each call,
 * too: to NULL, 0, false or -1 when it fails.
 *
 * Options. An option struct begins with its size: fill it with zeros, set
 * struct_size to sizeof, then what you need; zero is the default of every
 * member. NULL stands for defaults only. A shorter struct, of an older
 * header, is accepted: what it lacks is zero. A longer one, of a newer
 * header, is accepted if all that this library does not know is zero, and
 * else refused with PCT_E_TOO_BIG. Members called reserved must be zero. A
 * member that is switched on or off is on when it is not zero.
 *
 * Strings. Strings that go in end in NUL and are only read during the call.
 * Paths of the host and commands are any bytes, all others must be UTF-8
 * (PCT_E_UTF8).
 * A pointer that must not be NULL and is gives PCT_E_NULL. A char * that
 * comes out is UTF-8, belongs to the caller and is freed by pct_string_free
 * and nothing else; a const char * stays the library's. Many values at once
 * come as one JSON text with the field names of the REST interface of
 * Proxmox VE, so that no struct has to grow.
 *
 * File descriptors. Those that go in are borrowed. Those that come out belong
 * to the caller and are closed on exec.
 *
 * Callbacks run on the calling thread before the call returns. They must
 * return: no longjmp, no C++ exception.
 *
 * Faults of the library. A call that meets a bug of the library gives
 * PCT_E_PANIC instead of ending the process; every later call on the same
 * context does so, too, except pct_ctx_free.
 *
 * Processes. Work that has to fork is done by a program of its own,
 * pct-helper, so the calling process may have threads. The library starts it
 * and waits for it: SIGCHLD must not be ignored, and a handler must wait for
 * children of its own only. Else a call that has to know how a child ended
 * fails and says so. A forked child may go on to use a context for calls that
 * only read. The library prints nothing, changes no signal handler, no signal
 * mask, no working directory and no umask; standard streams may be closed.
 *
 * Versions. The numbers of PCT_VERSION_* are those of this header, pct_version
 * gives those of the library in use. The file libpct.so.0 is replaced only by
 * what keeps compatible with this header; pct_has_feature tells what is in it.
 * In the installed library each function has the release that brought it as
 * its symbol version: a program that needs a newer library is not started.
 */

#ifndef PCT_H
#define PCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * ======== Version and features
 */

/**
 * Of this header; changes that break programs raise it.
 */
#define PCT_VERSION_MAJOR 0

/**
 * Of this header; additions raise it.
 */
#define PCT_VERSION_MINOR 1

/**
 * Of this header; repairs raise it.
 */
#define PCT_VERSION_PATCH 0

/**
 * The version of the library in use, such as "0.1.0". Never NULL; not to be
 * freed.
 */
const char *pct_version(void);

/**
 * Whether the library in use has a feature:
 *
 * - lifecycle: pct_container_create, _destroy, _start, _stop, _shutdown,
 *   _reboot, _is_running, _config_text
 * - json: pct_list_json, pct_container_status_json, _config_json
 * - exec: pct_container_exec, _exec_wait, _enter_wait
 * - console: pct_container_console_wait
 * - change: pct_container_set, _pending_json, _rescan, pct_rescan
 * - volumes: pct_container_mount, _unmount, _df_json, _fsck, _fstrim, _resize
 * - repair: pct_container_repair
 * - clone: pct_container_clone, _template
 * - move-volume: pct_container_move_volume, _reassign_volume
 * - all: pct_start_all, pct_stop_all
 * - suspend: pct_container_suspend, _resume
 * - wait: pct_container_wait
 * - interfaces: pct_container_interfaces_json
 * - doctor: pct_container_doctor_json, pct_doctor_json
 * - pidfd: pct_container_init_pidfd
 * - config: pct_config_parse, pct_config_to_lxc
 * - copy: pct_container_push, _pull
 * - guest: pct_set_up_guest
 * - snapshots: pct_container_snapshots_json, _snapshot, _delete_snapshot,
 *   _rollback
 * - free-vmid: pct_free_vmid
 * - cpusets: pct_cpusets_json
 * - list-of: pct_list_of_json
 * - stats: pct_container_stats
 * - schema: pct_config_schema_json
 * - storages: pct_storages_json, pct_storage_status_json, _contents_json, _add,
 *   _set, _remove, pct_templates_json, pct_volume_allocate, _remove, _path
 * - volume-stream: pct_volume_export, _import
 * - cancel: callbacks of pct_progress may ask to stop
 * - log: pct_ctx_options.log
 * - output: pct_container_exec_output
 * - tty: pct_container_tty
 * - events: pct_events_new
 *
 * False for other words and for NULL.
 */
bool pct_has_feature(const char *name);

/*
 * ======== Status numbers
 *
 * 1xx: the call itself is wrong; 2xx: what it names or gives; 3xx: the state
 * of the container; 4xx: the operation failed; 5xx: the host. A number once
 * given is never used again. A program should take an unknown number of a
 * newer library as it takes the group.
 */

/**
 * Done.
 */
#define PCT_OK 0

/**
 * A pointer is NULL that must not be.
 */
#define PCT_E_NULL 101

/**
 * A string is not UTF-8.
 */
#define PCT_E_UTF8 102

/**
 * An option struct has values that this library does not know.
 */
#define PCT_E_TOO_BIG 103

/**
 * struct_size is no size of an option struct, or a reserved member is not zero.
 */
#define PCT_E_STRUCT 104

/**
 * A number is no open file descriptor.
 */
#define PCT_E_FD 105

/**
 * A bug of the library; the context cannot be used any more.
 */
#define PCT_E_PANIC 106

/**
 * A value that was given does not fit.
 */
#define PCT_E_PARAMETER 201

/**
 * There is no such container, volume, storage or snapshot.
 */
#define PCT_E_NOT_FOUND 202

/**
 * What is to be made is there already.
 */
#define PCT_E_EXISTS 203

/**
 * Another operation has the container.
 */
#define PCT_E_LOCKED 301

/**
 * The operation needs a running container.
 */
#define PCT_E_NOT_RUNNING 302

/**
 * The operation needs a stopped container.
 */
#define PCT_E_RUNNING 303

/**
 * The configuration forbids it.
 */
#define PCT_E_REFUSED 304

/**
 * The container did not start.
 */
#define PCT_E_START 401

/**
 * The container did not stop.
 */
#define PCT_E_STOP 402

/**
 * What was waited for has not come about in time.
 */
#define PCT_E_TIMEOUT 403

/**
 * A callback has asked to stop.
 */
#define PCT_E_CANCELLED 404

/**
 * A command has said more than its caller wants to hold.
 */
#define PCT_E_TOO_MUCH 405

/**
 * The program pct-helper is missing or does not fit.
 */
#define PCT_E_HELPER 501

/**
 * This release, storage or host cannot do it.
 */
#define PCT_E_UNSUPPORTED 502

/**
 * The system refused; pct_error_errno may tell more.
 */
#define PCT_E_SYSTEM 503

/**
 * How a call ended: PCT_OK, or one of PCT_E_*.
 */
typedef int32_t pct_status;

/**
 * What a number means, for people. Never NULL; not to be freed.
 */
const char *pct_status_str(pct_status status);

/**
 * The short name of a number, for programs: "not-found" for PCT_E_NOT_FOUND,
 * "unknown" for what is none. Never NULL; not to be freed.
 */
const char *pct_status_name(pct_status status);

/*
 * ======== Error objects
 */

/**
 * Why a call failed.
 */
typedef struct pct_error pct_error;

/**
 * Its status, the same that the call returned. PCT_OK for NULL.
 */
pct_status pct_error_status(const pct_error *err);

/**
 * The short name of its status, as pct_status_name gives it. Never NULL; not
 * to be freed.
 */
const char *pct_error_kind(const pct_error *err);

/**
 * The errno of the system call at the bottom of it, 0 if there is none.
 */
int pct_error_errno(const pct_error *err);

/**
 * The container that the call was about, 0 if it was about none.
 */
uint32_t pct_error_vmid(const pct_error *err);

/**
 * What was attempted and every reason why it failed, in UTF-8; the reason of
 * a failed start and the remedy may be on lines of their own. Valid until the
 * object is freed. Empty for NULL, never NULL itself.
 */
const char *pct_error_message(const pct_error *err);

/**
 * Frees an error object. NULL is ignored.
 */
void pct_error_free(pct_error *err);

/*
 * ======== Strings
 */

/**
 * Frees a char * that a call gave. NULL is ignored.
 */
void pct_string_free(char *string);

/*
 * ======== Contexts
 */

/**
 * Where containers are, and how to work on them.
 */
typedef struct pct_ctx pct_ctx;

/**
 * What pct_ctx_new works on.
 */
typedef struct pct_ctx_options {
    /**
     * sizeof (pct_ctx_options)
     */
    size_t struct_size;
    /**
     * An absolute path that prefixes all others: /x/etc/pct, /x/var/lib/pct,
     * /x/run/pct. NULL is the host itself; the variable PCT_ROOT is not read.
     */
    const char *root;
    /**
     * The program pct-helper. NULL is the installed one.
     */
    const char *helper;
    /**
     * Hears what calls on this context have to say that have no callback for
     * it: what a configuration file says that the library does not understand,
     * and the messages and warnings of calls without a pct_progress. priority
     * is one of syslog(3): LOG_WARNING (4) or LOG_INFO (6). It is called on the
     * thread that makes the call, and by several at once if several use the
     * context. NULL hears nothing.
     */
    void (*log)(void *user, int priority, const char *text);
    /**
     * Given to log as it is.
     */
    void *log_user;
} pct_ctx_options;

/**
 * Opens a context and gives it in *out. Costs little: it holds no connection.
 *
 * The caller frees it with pct_ctx_free.
 */
pct_status pct_ctx_new(const pct_ctx_options *options,
                       pct_ctx **out,
                       pct_error **err);

/**
 * Frees a context. Containers go on as they are. NULL is ignored.
 */
void pct_ctx_free(pct_ctx *ctx);

/*
 * ======== Progress
 */

/**
 * The total of pct_progress.bytes when the end is not known.
 */
#define PCT_TOTAL_UNKNOWN UINT64_MAX

/**
 * Receives what a running operation has to say; a callback that is NULL is
 * not called. Texts are UTF-8 and valid during the callback only.
 *
 * A callback returns 0 to go on. With another value it asks to stop: what
 * waits does so no longer, pct_container_create, _set, _clone, _move_volume and
 * pct_volume_import take back what they have done, and the call gives
 * PCT_E_CANCELLED. Where an operation has come too far for that it is completed.
 * Callbacks may be called until the call returns.
 */
typedef struct pct_progress {
    /**
     * sizeof (pct_progress)
     */
    size_t struct_size;
    /**
     * Given to each callback as it is.
     */
    void *user;
    /**
     * A line of output.
     */
    int (*message)(void *user, const char *text);
    /**
     * Something that did not stop the operation but should be known.
     */
    int (*warning)(void *user, const char *text);
    /**
     * How far a long step is, in bytes; total may be PCT_TOTAL_UNKNOWN.
     */
    int (*bytes)(void *user, uint64_t done, uint64_t total);
    /**
     * Another operation holds the lock of the container: acquired is 0 when
     * the waiting begins and 1 when it has come to a good end.
     */
    int (*waiting_for_lock)(void *user, int acquired);
} pct_progress;

/*
 * ======== The life of a container
 *
 * Calls return when the work is done. All take the number of the container,
 * 100 to 999999999, options (or NULL) and callbacks (or NULL).
 */

/**
 * What pct_container_create makes.
 */
typedef struct pct_create_options {
    /**
     * sizeof (pct_create_options)
     */
    size_t struct_size;
    /**
     * The template, a path or a volume such as local:vztmpl/name.tar.zst.
     * Must be given.
     */
    const char *ostemplate;
    /**
     * The configuration: strings such as "hostname=web1" with the names and
     * values of pct create, ended by NULL. NULL is an empty one.
     */
    const char *const *config;
    /**
     * The storage of volumes whose value names none. NULL is "local".
     */
    const char *storage;
    /**
     * The password of root, or its hash. Without one root cannot log in by
     * password.
     */
    const char *password;
    /**
     * Lines for the authorized_keys of root.
     */
    const char *ssh_public_keys;
    /**
     * Go on when an entry of the template cannot be unpacked.
     */
    int ignore_unpack_errors;
    /**
     * Start the container afterwards.
     */
    int start;
} pct_create_options;

/**
 * How pct_container_destroy removes.
 */
typedef struct pct_destroy_options {
    /**
     * sizeof (pct_destroy_options)
     */
    size_t struct_size;
    /**
     * Kill the container first if it runs.
     */
    int force;
    /**
     * Remove it from jobs that name it, too.
     */
    int purge;
    /**
     * Remove volumes that carry its number but stand in no configuration.
     */
    int destroy_unreferenced_disks;
    /**
     * Must be zero.
     */
    int reserved;
} pct_destroy_options;

/**
 * How pct_container_start starts.
 */
typedef struct pct_start_options {
    /**
     * sizeof (pct_start_options)
     */
    size_t struct_size;
    /**
     * Let liblxc write everything it does to its log.
     */
    int debug;
    /**
     * Start although the configuration has a lock.
     */
    int skiplock;
} pct_start_options;

/**
 * How pct_container_stop stops.
 */
typedef struct pct_stop_options {
    /**
     * sizeof (pct_stop_options)
     */
    size_t struct_size;
    /**
     * Stop although the configuration has a lock.
     */
    int skiplock;
    /**
     * Must be zero.
     */
    int reserved;
} pct_stop_options;

/**
 * How pct_container_shutdown stops.
 */
typedef struct pct_shutdown_options {
    /**
     * sizeof (pct_shutdown_options)
     */
    size_t struct_size;
    /**
     * How many milliseconds the guest may take. Zero is 60 seconds.
     */
    uint32_t timeout_ms;
    /**
     * Kill the container when the time is over, instead of failing.
     */
    int force_stop;
} pct_shutdown_options;

/**
 * How pct_container_reboot stops and starts again.
 */
typedef struct pct_reboot_options {
    /**
     * sizeof (pct_reboot_options)
     */
    size_t struct_size;
    /**
     * How many milliseconds the guest may take to stop before it is killed.
     * Zero is 60 seconds.
     */
    uint32_t timeout_ms;
    /**
     * Must be zero.
     */
    int reserved;
} pct_reboot_options;

/**
 * How long pct_container_wait waits.
 */
typedef struct pct_wait_options {
    /**
     * sizeof (pct_wait_options)
     */
    size_t struct_size;
    /**
     * After how many milliseconds to give up. Zero is never.
     */
    uint32_t timeout_ms;
    /**
     * Must be zero.
     */
    int reserved;
} pct_wait_options;

/**
 * Makes the container from a template. A failure leaves nothing behind, and
 * an existing container alone (PCT_E_EXISTS). The options must be given.
 */
pct_status pct_container_create(const pct_ctx *ctx,
                                uint32_t vmid,
                                const pct_create_options *options,
                                const pct_progress *progress,
                                pct_error **err);

/**
 * Removes the container and the volumes that belong to it.
 */
pct_status pct_container_destroy(const pct_ctx *ctx,
                                 uint32_t vmid,
                                 const pct_destroy_options *options,
                                 const pct_progress *progress,
                                 pct_error **err);

/**
 * Starts the container; returns when it runs. When it does not, the message
 * has the lines of the log of liblxc that say why.
 */
pct_status pct_container_start(const pct_ctx *ctx,
                               uint32_t vmid,
                               const pct_start_options *options,
                               const pct_progress *progress,
                               pct_error **err);

/**
 * Kills the container; returns when everything behind it is cleaned up.
 */
pct_status pct_container_stop(const pct_ctx *ctx,
                              uint32_t vmid,
                              const pct_stop_options *options,
                              const pct_progress *progress,
                              pct_error **err);

/**
 * Asks the guest to halt; returns when everything behind it is cleaned up,
 * or with PCT_E_STOP when the time is over and it still runs.
 */
pct_status pct_container_shutdown(const pct_ctx *ctx,
                                  uint32_t vmid,
                                  const pct_shutdown_options *options,
                                  const pct_progress *progress,
                                  pct_error **err);

/**
 * Halts the guest, kills it when the time is over, and starts it again.
 */
pct_status pct_container_reboot(const pct_ctx *ctx,
                                uint32_t vmid,
                                const pct_reboot_options *options,
                                const pct_progress *progress,
                                pct_error **err);

/**
 * Writes the state of all processes of the container to disk, and ends them:
 * pct_container_resume goes on with it. Experimental. PCT_E_UNSUPPORTED where
 * CRIU is not installed; after any failure the container runs on.
 */
pct_status pct_container_suspend(const pct_ctx *ctx,
                                 uint32_t vmid,
                                 const pct_progress *progress,
                                 pct_error **err);

/**
 * Goes on with a suspended container, whose files must be as they were then;
 * PCT_E_REFUSED when it is not suspended. Its state on disk is used up by a
 * success, and by pct_container_start. Experimental.
 */
pct_status pct_container_resume(const pct_ctx *ctx,
                                uint32_t vmid,
                                const pct_progress *progress,
                                pct_error **err);

/**
 * Waits until the container
 *
 * - "running": runs
 * - "stopped": has stopped, and everything behind it is cleaned up
 * - "ipv4", "ipv6": has an address by which other machines can reach it
 * - "systemd": has completed its boot, as its systemd says
 *
 * PCT_E_TIMEOUT when that has not come about in time, PCT_E_NOT_RUNNING when
 * it stops meanwhile and does not reboot.
 */
pct_status pct_container_wait(const pct_ctx *ctx,
                              uint32_t vmid,
                              const char *condition,
                              const pct_wait_options *options,
                              const pct_progress *progress,
                              pct_error **err);

/**
 * Takes away the lock that an operation has left in the configuration,
 * whoever has set it. PCT_E_REFUSED when there is none.
 */
pct_status pct_container_unlock(const pct_ctx *ctx,
                                uint32_t vmid,
                                const pct_progress *progress,
                                pct_error **err);

/*
 * ======== All containers at once
 *
 * They are taken one after the other in the order of startup in their
 * configurations. One that fails keeps none of the others from being tried:
 * PCT_OK says that all have been, and *failed is a JSON array of those that
 * failed, objects with vmid, type and the string error. The caller frees it
 * with pct_string_free.
 */

/**
 * Which containers pct_start_all starts.
 */
typedef struct pct_start_all_options {
    /**
     * sizeof (pct_start_all_options)
     */
    size_t struct_size;
    /**
     * Those without onboot, too.
     */
    int force;
    /**
     * Must be zero.
     */
    int reserved;
} pct_start_all_options;

/**
 * How pct_stop_all stops.
 */
typedef struct pct_stop_all_options {
    /**
     * sizeof (pct_stop_all_options)
     */
    size_t struct_size;
    /**
     * How many milliseconds a guest may take whose startup has no down, before
     * it is killed. Zero is 60 seconds.
     */
    uint32_t timeout_ms;
    /**
     * Must be zero.
     */
    int reserved;
} pct_stop_all_options;

/**
 * Starts the containers with onboot that do not run, and waits after each as
 * long as up of its startup says. Templates and locked ones are left out with
 * a message.
 */
pct_status pct_start_all(const pct_ctx *ctx,
                         const pct_start_all_options *options,
                         const pct_progress *progress,
                         char **failed,
                         pct_error **err);

/**
 * Shuts all running containers down, in the reverse order. A guest that takes
 * too long is killed. Locked ones are left out with a message.
 */
pct_status pct_stop_all(const pct_ctx *ctx,
                        const pct_stop_all_options *options,
                        const pct_progress *progress,
                        char **failed,
                        pct_error **err);

/*
 * ======== What there is
 *
 * These calls only read: they take no lock, start no process, and need no
 * more than readable configuration files.
 */

/**
 * The state of a container, and what it uses: the numbers of
 * pct_container_status_json. Those of use are zero when it is stopped. Amounts
 * are in bytes.
 */
typedef struct pct_stats {
    /**
     * sizeof (pct_stats)
     */
    size_t struct_size;
    /**
     * Whether it runs: 1 or 0.
     */
    int running;
    /**
     * Of its init, as the host numbers it.
     */
    uint32_t pid;
    /**
     * Seconds since its init was started.
     */
    uint64_t uptime;
    /**
     * Processors that it may use.
     */
    double cpus;
    /**
     * Memory in use, without the page cache.
     */
    uint64_t mem;
    /**
     * Its limit of memory.
     */
    uint64_t maxmem;
    /**
     * Swap in use.
     */
    uint64_t swap;
    /**
     * Its limit of swap.
     */
    uint64_t maxswap;
    /**
     * Used of its root file system.
     */
    uint64_t disk;
    /**
     * The size of its root file system.
     */
    uint64_t maxdisk;
    /**
     * Read from block devices.
     */
    uint64_t diskread;
    /**
     * Written to block devices.
     */
    uint64_t diskwrite;
    /**
     * Received over its network interfaces.
     */
    uint64_t netin;
    /**
     * Sent over its network interfaces.
     */
    uint64_t netout;
} pct_stats;

/**
 * Which values pct_container_config_text and pct_container_config_json show.
 * By default those in force with the changes that wait for the next start
 * over them.
 */
typedef struct pct_config_options {
    /**
     * sizeof (pct_config_options)
     */
    size_t struct_size;
    /**
     * The values that this snapshot holds. Not together with current.
     */
    const char *snapshot;
    /**
     * Only the values in force.
     */
    int current;
    /**
     * Must be zero.
     */
    int reserved;
} pct_config_options;

/**
 * All containers of this host, ascending by number: a JSON array of objects
 * as pct_container_status_json gives them. For one whose configuration cannot
 * be read, the object has only vmid, type and the string error.
 */
pct_status pct_list_json(const pct_ctx *ctx, char **out, pct_error **err);

/**
 * As pct_list_json, for the containers whose numbers stand in vmids. One that
 * does not exist is among them with its error.
 */
pct_status pct_list_of_json(const pct_ctx *ctx,
                            const uint32_t *vmids,
                            size_t count,
                            char **out,
                            pct_error **err);

/**
 * The state of a container, its limits, and when it runs what it uses: a JSON
 * object with the members
 *
 * - vmid, name, type ("lxc"), status ("running" or "stopped"), cpus
 * - in bytes: mem, maxmem, swap, maxswap, disk, maxdisk, diskread, diskwrite,
 *   netin, netout
 * - uptime, in seconds
 * - when there is something to say: pid (of its init), lock, tags, template (1)
 */
pct_status pct_container_status_json(const pct_ctx *ctx,
                                     uint32_t vmid,
                                     char **out,
                                     pct_error **err);

/**
 * The same as numbers, in a struct of the caller, whose struct_size must be
 * set. All else in it is set by each call, to zero when it fails.
 */
pct_status pct_container_stats(const pct_ctx *ctx,
                               uint32_t vmid,
                               pct_stats *out,
                               pct_error **err);

/**
 * Whether a container runs.
 */
pct_status pct_container_is_running(const pct_ctx *ctx,
                                    uint32_t vmid,
                                    bool *out,
                                    pct_error **err);

/**
 * The configuration as pct config shows it: a line "key: value" for each key
 * in byte order, then the lxc lines in the order of the file.
 */
pct_status pct_container_config_text(const pct_ctx *ctx,
                                     uint32_t vmid,
                                     const pct_config_options *options,
                                     char **out,
                                     pct_error **err);

/**
 * The configuration as a JSON object: numbers and switches (0 or 1) as
 * numbers, all else as strings, the lxc lines as an array of pairs in the
 * member lxc, and in digest the SHA-1 of the file, which tells whether it has
 * changed since.
 */
pct_status pct_container_config_json(const pct_ctx *ctx,
                                     uint32_t vmid,
                                     const pct_config_options *options,
                                     char **out,
                                     pct_error **err);

/**
 * The snapshots in the order of their tree, and behind them the current state:
 * a JSON array of objects with the members name and description, and where
 * there is something to say parent, snaptime and snapstate. The last one has
 * the name "current", digest and running (0 or 1).
 */
pct_status pct_container_snapshots_json(const pct_ctx *ctx,
                                        uint32_t vmid,
                                        char **out,
                                        pct_error **err);

/**
 * The lowest number that no container has, on a Proxmox VE cluster no other
 * guest either; 0 when all are taken. Nothing reserves it.
 */
pct_status pct_free_vmid(const pct_ctx *ctx, uint32_t *out, pct_error **err);

/*
 * ======== A look into containers
 *
 * These calls change nothing, but ask the kernel and the running containers:
 * they need root. The caller frees what they give, a char * with
 * pct_string_free.
 */

/**
 * The network interfaces of a running container as they are inside: a JSON
 * array of objects with the members name, hwaddr, hardware-address, inet and
 * inet6 (the last address of the kind, if there is one), and ip-addresses, an
 * array of objects with ip-address, ip-address-type ("inet" or "inet6") and
 * prefix. The text null for a container that is stopped.
 */
pct_status pct_container_interfaces_json(const pct_ctx *ctx,
                                         uint32_t vmid,
                                         char **out,
                                         pct_error **err);

/**
 * A file descriptor of the init of a running container, for poll, which shows
 * it as readable when init has ended, and for pidfd_send_signal. A container
 * that reboots gets another init. The caller closes it. PCT_E_NOT_RUNNING when
 * the container is stopped.
 */
pct_status pct_container_init_pidfd(const pct_ctx *ctx,
                                    uint32_t vmid,
                                    int *pidfd,
                                    pct_error **err);

/**
 * The processors that each running container may use: a JSON array of objects
 * with vmid and cpus, an array of numbers. Empty on a host that has no control
 * groups for that.
 */
pct_status pct_cpusets_json(const pct_ctx *ctx, char **out, pct_error **err);

/**
 * What would make the next start of the container fail or surprise, the
 * gravest first: a JSON array of objects with the members vmid, severity
 * ("error", "warning" or "info"), code (for programs), key (of the
 * configuration), message and help; key and help may be null. Nothing is
 * started.
 */
pct_status pct_container_doctor_json(const pct_ctx *ctx,
                                     uint32_t vmid,
                                     char **out,
                                     pct_error **err);

/**
 * As pct_container_doctor_json, for the containers whose numbers stand in
 * vmids, or for all of this host when count is 0. For one whose configuration
 * cannot be read, there is an object with vmid, type and the string error.
 */
pct_status pct_doctor_json(const pct_ctx *ctx,
                           const uint32_t *vmids,
                           size_t count,
                           char **out,
                           pct_error **err);

/*
 * ======== Changes of the configuration
 */

/**
 * What pct_container_set changes. Something must be given.
 */
typedef struct pct_set_options {
    /**
     * sizeof (pct_set_options)
     */
    size_t struct_size;
    /**
     * Strings such as "memory=1024" with the names and values of pct set,
     * ended by NULL; of a key that comes again the last one counts.
     */
    const char *const *set;
    /**
     * Keys to delete, ended by NULL.
     */
    const char *const *unset;
    /**
     * Keys whose pending change is dropped, ended by NULL.
     */
    const char *const *revert;
    /**
     * Change nothing unless this is the digest of the file, which
     * pct_container_config_json gives: somebody else may have changed it.
     */
    const char *digest;
} pct_set_options;

/**
 * How pct_rescan and pct_container_rescan look.
 */
typedef struct pct_rescan_options {
    /**
     * sizeof (pct_rescan_options)
     */
    size_t struct_size;
    /**
     * Write nothing; progress hears what would be written.
     */
    int dry_run;
    /**
     * Must be zero.
     */
    int reserved;
} pct_rescan_options;

/**
 * How pct_container_repair works.
 */
typedef struct pct_repair_options {
    /**
     * sizeof (pct_repair_options)
     */
    size_t struct_size;
    /**
     * Do nothing, only tell.
     */
    int dry_run;
    /**
     * Must be zero.
     */
    int reserved;
} pct_repair_options;

/**
 * Changes the configuration: all that is asked for, or nothing. What a
 * running container cannot be told at once is pending until its next start.
 * Values that do not fit give PCT_E_PARAMETER with each of them in the
 * message, so does nothing to change; what the rules forbid, and another
 * digest, PCT_E_REFUSED; PCT_E_LOCKED when another operation has the
 * container. The one failure after which the configuration is written is that
 * liblxc cannot be told of it: with it the container would not start.
 */
pct_status pct_container_set(const pct_ctx *ctx,
                             uint32_t vmid,
                             const pct_set_options *options,
                             const pct_progress *progress,
                             pct_error **err);

/**
 * The changes that wait for the next start, with the values in force: a JSON
 * array with an object for each key, ascending, with the members key, value
 * (in force), pending (after the start) and delete (1, or 2 by force); those
 * that there are. The caller frees *out with pct_string_free.
 */
pct_status pct_container_pending_json(const pct_ctx *ctx,
                                      uint32_t vmid,
                                      char **out,
                                      pct_error **err);

/**
 * Looks through the storages for volumes of the container: those that the
 * configuration does not name become unused ones, sizes are corrected. The
 * callback message hears of each change. PCT_E_LOCKED when another operation
 * has the container.
 */
pct_status pct_container_rescan(const pct_ctx *ctx,
                                uint32_t vmid,
                                const pct_rescan_options *options,
                                const pct_progress *progress,
                                pct_error **err);

/**
 * As pct_container_rescan, for all containers of this host. One that fails
 * keeps none of the others from being looked at: PCT_OK says that all have
 * been, and *failed is a JSON array of those that failed, objects with vmid,
 * type and the string error. The caller frees it with pct_string_free.
 */
pct_status pct_rescan(const pct_ctx *ctx,
                      const pct_rescan_options *options,
                      const pct_progress *progress,
                      char **failed,
                      pct_error **err);

/**
 * Finds what an operation has left that was killed, and removes it or brings
 * it to its end. *out is a JSON array of what was found, objects with vmid,
 * kind, found, action, outcome ("found", "repaired", "failed", "yours") and
 * the string error of one that failed, else null; PCT_OK says that all was
 * looked at. PCT_E_LOCKED while an operation is at work: nothing was done.
 * The caller frees *out with pct_string_free.
 */
pct_status pct_container_repair(const pct_ctx *ctx,
                                uint32_t vmid,
                                const pct_repair_options *options,
                                const pct_progress *progress,
                                char **out,
                                pct_error **err);

/*
 * ======== Volumes of a container
 */

/**
 * How pct_container_fsck checks.
 */
typedef struct pct_fsck_options {
    /**
     * sizeof (pct_fsck_options)
     */
    size_t struct_size;
    /**
     * Which volume: "rootfs", which NULL stands for, or "mp0" and so on.
     */
    const char *device;
    /**
     * Check it even if it seems clean.
     */
    int force;
    /**
     * Must be zero.
     */
    int reserved;
} pct_fsck_options;

/**
 * How pct_container_fstrim works.
 */
typedef struct pct_fstrim_options {
    /**
     * sizeof (pct_fstrim_options)
     */
    size_t struct_size;
    /**
     * The root file system only.
     */
    int ignore_mountpoints;
    /**
     * Must be zero.
     */
    int reserved;
} pct_fstrim_options;

/**
 * How pct_container_resize resizes.
 */
typedef struct pct_resize_options {
    /**
     * sizeof (pct_resize_options)
     */
    size_t struct_size;
    /**
     * Change nothing unless this is the digest of the file, which
     * pct_container_config_json gives: somebody else may have changed it.
     */
    const char *digest;
} pct_resize_options;

/**
 * Mounts the container's volumes where the host sees them; *path is where
 * that is, and the caller frees it with pct_string_free. They can be used
 * there until pct_container_unmount, whether the container runs or not;
 * meanwhile it can only be started and stopped.
 */
pct_status pct_container_mount(const pct_ctx *ctx,
                               uint32_t vmid,
                               const pct_progress *progress,
                               char **path,
                               pct_error **err);

/**
 * Unmounts what pct_container_mount has mounted. PCT_E_REFUSED when nothing
 * was; when something uses a volume, the others may be unmounted.
 */
pct_status pct_container_unmount(const pct_ctx *ctx,
                                 uint32_t vmid,
                                 const pct_progress *progress,
                                 pct_error **err);

/**
 * How full the container's volumes are, whether it runs or not: a JSON array
 * of objects with mp ("rootfs", "mp0" and so on), volume, path (inside), and
 * size, used and avail in bytes. One that cannot be looked at is a warning,
 * and left out. The caller frees *out with pct_string_free.
 */
pct_status pct_container_df_json(const pct_ctx *ctx,
                                 uint32_t vmid,
                                 const pct_progress *progress,
                                 char **out,
                                 pct_error **err);

/**
 * Checks the file system of a volume, and corrects what can be corrected
 * without a question. The callbacks hear what fsck says. PCT_E_RUNNING when
 * the volume is in use. That fsck has found errors is a failure, also when it
 * has corrected them.
 */
pct_status pct_container_fsck(const pct_ctx *ctx,
                              uint32_t vmid,
                              const pct_fsck_options *options,
                              const pct_progress *progress,
                              pct_error **err);

/**
 * Has the container's volumes give back to their storages what they do not
 * use; *bytes, which may be NULL, is how much that was. Directories of the
 * host and what is mounted read-only are left alone, what cannot be trimmed
 * is a warning. It can be cancelled between two volumes.
 */
pct_status pct_container_fstrim(const pct_ctx *ctx,
                                uint32_t vmid,
                                const pct_fstrim_options *options,
                                const pct_progress *progress,
                                uint64_t *bytes,
                                pct_error **err);

/**
 * Makes a volume larger, and the file system on it, also while the container
 * runs. The disk is "rootfs", "mp0" and so on, the size one such as "8G" or,
 * for so much more, "+512M". That the file system could not follow is a
 * warning.
 */
pct_status pct_container_resize(const pct_ctx *ctx,
                                uint32_t vmid,
                                const char *disk,
                                const char *size,
                                const pct_resize_options *options,
                                const pct_progress *progress,
                                pct_error **err);

/*
 * ======== Snapshots
 *
 * pct_container_snapshots_json lists them, pct_container_config_json shows
 * what one holds.
 */

/**
 * How pct_container_snapshot works.
 */
typedef struct pct_snapshot_options {
    /**
     * sizeof (pct_snapshot_options)
     */
    size_t struct_size;
    /**
     * Notes on it.
     */
    const char *description;
} pct_snapshot_options;

/**
 * How pct_container_delete_snapshot removes.
 */
typedef struct pct_delete_snapshot_options {
    /**
     * sizeof (pct_delete_snapshot_options)
     */
    size_t struct_size;
    /**
     * Remove it from the configuration also when a storage cannot remove its
     * part.
     */
    int force;
    /**
     * Must be zero.
     */
    int reserved;
} pct_delete_snapshot_options;

/**
 * How pct_container_rollback goes back.
 */
typedef struct pct_rollback_options {
    /**
     * sizeof (pct_rollback_options)
     */
    size_t struct_size;
    /**
     * Start the container afterwards.
     */
    int start;
    /**
     * Must be zero.
     */
    int reserved;
} pct_rollback_options;

/**
 * Freezes the present state under a name: the configuration, and the content
 * of all volumes or of none. A running container stands still meanwhile; what
 * its processes have written is in the snapshot, what they keep in memory is
 * not. PCT_E_EXISTS when the name is taken, PCT_E_UNSUPPORTED when a volume
 * cannot be snapshotted.
 */
pct_status pct_container_snapshot(const pct_ctx *ctx,
                                  uint32_t vmid,
                                  const char *name,
                                  const pct_snapshot_options *options,
                                  const pct_progress *progress,
                                  pct_error **err);

/**
 * Removes a snapshot. Volumes that only it has named become unused ones of the
 * container. When a storage fails after a part was removed, the configuration
 * keeps its lock; once that is taken away (pct_container_unlock), the removal
 * can go on.
 */
pct_status pct_container_delete_snapshot(const pct_ctx *ctx,
                                         uint32_t vmid,
                                         const char *name,
                                         const pct_delete_snapshot_options *options,
                                         const pct_progress *progress,
                                         pct_error **err);

/**
 * Goes back to a snapshot, configuration and content. A running container is
 * killed first. What was written since is lost; volumes that were added since
 * become unused ones. When only a part of the volumes is back, the
 * configuration keeps its lock.
 */
pct_status pct_container_rollback(const pct_ctx *ctx,
                                  uint32_t vmid,
                                  const char *name,
                                  const pct_rollback_options *options,
                                  const pct_progress *progress,
                                  pct_error **err);

/*
 * ======== Clones and templates
 */

/**
 * What pct_container_clone makes.
 */
typedef struct pct_clone_options {
    /**
     * sizeof (pct_clone_options)
     */
    size_t struct_size;
    /**
     * Clone this snapshot, not the present state.
     */
    const char *snapshot;
    /**
     * Where the volumes of a full clone go. NULL is where those of its origin
     * are.
     */
    const char *storage;
    /**
     * The clone's host name. NULL is that of its origin.
     */
    const char *hostname;
    /**
     * Notes on the clone. NULL is those of its origin.
     */
    const char *description;
    /**
     * How many KiB may be copied in a second. Zero is what the storages allow,
     * UINT64_MAX any number.
     */
    uint64_t bwlimit;
    /**
     * Copy the volumes, of a template, too.
     */
    int full;
    /**
     * Let the volumes share the content of their origin, as those of a template
     * do if nothing is said. Not together with full.
     */
    int linked;
} pct_clone_options;

/**
 * Makes the container clone, which is as this one. Its network interfaces get
 * hardware addresses of their own, its machine id is new; all else is the
 * same, also its IP addresses. Full clones of a running container are made of
 * a snapshot (PCT_E_RUNNING). A failure leaves nothing behind, and an existing
 * container alone (PCT_E_EXISTS).
 */
pct_status pct_container_clone(const pct_ctx *ctx,
                               uint32_t vmid,
                               uint32_t clone,
                               const pct_clone_options *options,
                               const pct_progress *progress,
                               pct_error **err);

/**
 * Makes the container a template for linked clones: its volumes cannot be
 * written to any more, and it cannot be started. There is no way back.
 * PCT_E_RUNNING when it runs, PCT_E_REFUSED when it has snapshots,
 * PCT_E_UNSUPPORTED on a storage without templates.
 */
pct_status pct_container_template(const pct_ctx *ctx,
                                  uint32_t vmid,
                                  const pct_progress *progress,
                                  pct_error **err);

/*
 * ======== Volumes that go to another place
 */

/**
 * How pct_container_move_volume moves.
 */
typedef struct pct_move_volume_options {
    /**
     * sizeof (pct_move_volume_options)
     */
    size_t struct_size;
    /**
     * Change nothing unless this is the digest of the file, which
     * pct_container_config_json gives: somebody else may have changed it.
     */
    const char *digest;
    /**
     * How many KiB may be copied in a second. Zero is what the storages allow,
     * UINT64_MAX any number.
     */
    uint64_t bwlimit;
    /**
     * Remove the volume from where it was. Else it becomes an unused one.
     */
    int delete_source;
    /**
     * Must be zero.
     */
    int reserved;
} pct_move_volume_options;

/**
 * How pct_container_reassign_volume moves.
 */
typedef struct pct_reassign_volume_options {
    /**
     * sizeof (pct_reassign_volume_options)
     */
    size_t struct_size;
    /**
     * The key that the volume gets: "mp0" and so on, or "unused0" and so on.
     * NULL is the one that it has now.
     */
    const char *target_key;
    /**
     * Change nothing unless this is the digest of this container's file, which
     * pct_container_config_json gives: somebody else may have changed it.
     */
    const char *digest;
    /**
     * The same for the container that gets the volume.
     */
    const char *target_digest;
} pct_reassign_volume_options;

/**
 * Moves the volume of "rootfs", "mp0" and so on to another storage. The
 * container must be stopped (PCT_E_RUNNING). After a failure the volume is
 * where it was.
 */
pct_status pct_container_move_volume(const pct_ctx *ctx,
                                     uint32_t vmid,
                                     const char *key,
                                     const char *storage,
                                     const pct_move_volume_options *options,
                                     const pct_progress *progress,
                                     pct_error **err);

/**
 * Gives the volume of "mp0", "unused0" and so on to the container target,
 * which may be the same one, by another key. That it could not be mounted
 * there is a warning: then it is an unused volume of that container.
 */
pct_status pct_container_reassign_volume(const pct_ctx *ctx,
                                         uint32_t vmid,
                                         const char *key,
                                         uint32_t target,
                                         const pct_reassign_volume_options *options,
                                         const pct_progress *progress,
                                         pct_error **err);

/*
 * ======== Storages
 *
 * Those of storage.cfg; on a Proxmox VE host its own tools change that file,
 * and calls that would give PCT_E_UNSUPPORTED.
 */

/**
 * What pct_storage_set changes.
 */
typedef struct pct_storage_set_options {
    /**
     * sizeof (pct_storage_set_options)
     */
    size_t struct_size;
    /**
     * Strings such as "content=rootdir,vztmpl" with the options of storage.cfg,
     * ended by NULL.
     */
    const char *const *set;
    /**
     * Options to delete, ended by NULL.
     */
    const char *const *unset;
} pct_storage_set_options;

/**
 * The ids of the storages that hold, on this node, volumes of containers
 * ("rootdir") or templates ("vztmpl"): a JSON array of strings in the order of
 * storage.cfg.
 */
pct_status pct_storages_json(const pct_ctx *ctx,
                             const char *content,
                             char **out,
                             pct_error **err);

/**
 * The storages of this node with their room, in the order of storage.cfg: a
 * JSON array of objects with storage (its id), type, content (words, apart by
 * commas), active, enabled and shared (0 or 1), and in bytes total, used and
 * avail. Each is made ready, so mounted or imported, where its type needs that;
 * one that cannot be used has the string error.
 */
pct_status pct_storage_status_json(const pct_ctx *ctx, char **out, pct_error **err);

/**
 * Writes a storage down behind those that are there. The kind is one such as
 * "dir", the config strings such as "path=/srv/pct" with the options of
 * storage.cfg, ended by NULL. Nothing is made or mounted by that. PCT_E_EXISTS
 * when there is one of that id; PCT_E_PARAMETER when the kind is not known, or
 * an option is missing, not known or wrong.
 */
pct_status pct_storage_add(const pct_ctx *ctx,
                           const char *kind,
                           const char *storage,
                           const char *const *config,
                           pct_error **err);

/**
 * Sets and deletes options of a storage. Comments of the file stay, and other
 * storages to the byte.
 */
pct_status pct_storage_set(const pct_ctx *ctx,
                           const char *storage,
                           const pct_storage_set_options *options,
                           pct_error **err);

/**
 * Takes a storage out of storage.cfg. What is on it stays there.
 */
pct_status pct_storage_remove(const pct_ctx *ctx, const char *storage, pct_error **err);

/*
 * ======== What is on storages
 *
 * A volume is named by its storage and its name there, such as
 * local:9001/vm-9001-disk-0.raw.
 */

/**
 * Which things pct_storage_contents_json shows.
 */
typedef struct pct_contents_options {
    /**
     * sizeof (pct_contents_options)
     */
    size_t struct_size;
    /**
     * Only volumes ("rootdir"), or only templates ("vztmpl").
     */
    const char *content;
    /**
     * Only volumes of this container.
     */
    uint32_t vmid;
    /**
     * Must be zero.
     */
    int reserved;
} pct_contents_options;

/**
 * What pct_volume_allocate makes.
 */
typedef struct pct_allocate_options {
    /**
     * sizeof (pct_allocate_options)
     */
    size_t struct_size;
    /**
     * "raw" or "subvol". NULL is what a container's volume has there.
     */
    const char *format;
} pct_allocate_options;

/**
 * The templates of a storage: a sorted JSON array of volumes such as
 * local:vztmpl/name.tar.zst, which pct_create_options takes.
 */
pct_status pct_templates_json(const pct_ctx *ctx,
                              const char *storage,
                              char **out,
                              pct_error **err);

/**
 * What is on a storage, sorted: a JSON array of objects with volid, format
 * ("raw" or "subvol", of a template how it is packed), size in bytes (0 of a
 * volume without a limit), content ("rootdir" of a container of this node,
 * "images" of another guest, "vztmpl"), and where there is one vmid (whose it
 * is) and parent (the volume whose content it shares, by its name on the
 * storage).
 */
pct_status pct_storage_contents_json(const pct_ctx *ctx,
                                     const char *storage,
                                     const pct_contents_options *options,
                                     char **out,
                                     pct_error **err);

/**
 * Makes a new, empty volume of so many bytes, rounded up to whole KiB, under
 * the next free name of a container's; 0 is one without a limit. *volume is
 * which one, and the caller frees it with pct_string_free. No file system is
 * made on it, and no configuration names it.
 */
pct_status pct_volume_allocate(const pct_ctx *ctx,
                               const char *storage,
                               uint32_t vmid,
                               uint64_t size,
                               const pct_allocate_options *options,
                               char **volume,
                               pct_error **err);

/**
 * Removes a volume and its snapshots, whether or not a configuration names it.
 * PCT_E_REFUSED when linked clones share its content. One that is not there is
 * no error.
 */
pct_status pct_volume_remove(const pct_ctx *ctx, const char *volume, pct_error **err);

/**
 * Where the data of a volume, or the file of a template, is. The caller frees
 * *path with pct_string_free.
 */
pct_status pct_volume_path(const pct_ctx *ctx,
                           const char *volume,
                           char **path,
                           pct_error **err);

/*
 * ======== Volumes as streams
 *
 * The formats are those of pvesm: "raw+size", an image, and "tar+size", a tree,
 * for every storage, and "btrfs" and "zfs", snapshots for a storage of the same
 * type. Who writes streams of snapshots may become root here: btrfs receive and
 * zfs recv do not expect to be deceived.
 *
 * A stream is written to and read from where the file descriptor stands: that
 * of a file, a pipe or a socket that is not set to O_NONBLOCK.
 */

/**
 * What pct_volume_export writes.
 */
typedef struct pct_volume_export_options {
    /**
     * sizeof (pct_volume_export_options)
     */
    size_t struct_size;
    /**
     * The snapshot to write instead of the present content. "btrfs" and "zfs"
     * need one.
     */
    const char *snapshot;
    /**
     * A snapshot that the receiver has already: only what has changed since is
     * written. For "btrfs" and "zfs".
     */
    const char *base;
    /**
     * Write the older snapshots, too, down to the base where there is one. For
     * "btrfs" and "zfs".
     */
    int with_snapshots;
    /**
     * Must be zero.
     */
    int reserved;
} pct_volume_export_options;

/**
 * What pct_volume_import makes.
 */
typedef struct pct_volume_import_options {
    /**
     * sizeof (pct_volume_import_options)
     */
    size_t struct_size;
    /**
     * Of a stream with several snapshots the one that becomes the content of
     * the volume. For "btrfs".
     */
    const char *snapshot;
    /**
     * The snapshot that the stream continues, the newest of a volume that is
     * there. What the volume holds beside it is lost. For "btrfs" and "zfs".
     */
    const char *base;
    /**
     * A snapshot to remove when all has arrived. For "btrfs" and "zfs".
     */
    const char *delete_snapshot;
    /**
     * Take a free name where a volume has the one that is asked for.
     */
    int allow_rename;
    /**
     * Must be zero.
     */
    int reserved;
} pct_volume_import_options;

/**
 * Writes a volume, or snapshots of it, as a stream, of which pct_volume_import
 * makes a volume on this or another host. What a running container has not
 * written out yet is missing: stop it, or give a snapshot. PCT_E_PARAMETER
 * when the volume has no stream of this format, PCT_E_CANCELLED when a callback
 * has asked to stop. What was written until a failure is of no use. A pipe or
 * socket that nobody reads any more raises SIGPIPE, as it does for write(2).
 */
pct_status pct_volume_export(const pct_ctx *ctx,
                             const char *volume,
                             const char *format,
                             int fd,
                             const pct_volume_export_options *options,
                             const pct_progress *progress,
                             pct_error **err);

/**
 * Makes a volume of a stream, with the name and on the storage that volume
 * says. *made is which one, and the caller frees it with pct_string_free. No
 * configuration names it. PCT_E_EXISTS when a volume has the name,
 * PCT_E_PARAMETER when the storage does not take this format. A failure, a
 * stream that is not whole as well, leaves nothing new; only when at the end
 * delete_snapshot could not be removed, the volume is there. While snapshots
 * arrive no callback is called, and so nothing is cancelled.
 */
pct_status pct_volume_import(const pct_ctx *ctx,
                             const char *volume,
                             const char *format,
                             int fd,
                             const pct_volume_import_options *options,
                             const pct_progress *progress,
                             char **made,
                             pct_error **err);

/*
 * ======== Configuration files, wherever they are
 *
 * A file is given by its bytes and their number, at most 1 MiB; it may have
 * any bytes. No container is needed, and nothing of a container of this number
 * is read. The caller frees what comes out with pct_string_free.
 */

/**
 * What a file says, and what is wrong with it: a JSON object with the members
 *
 * - config: as pct_container_config_json gives it, the values in force
 * - pending: as pct_container_pending_json gives it
 * - snapshots: an object that has for each name an object like config,
 *   without digest
 * - findings: those of pct lint, an array of objects with line and column
 *   (from 1), severity ("error" or "warning"), key, part (of the line),
 *   message and help; key and help may be null
 *
 * A file with errors is no failure of the call. Needs no context.
 */
pct_status pct_config_parse(const char *config,
                            size_t size,
                            uint32_t vmid,
                            char **out,
                            pct_error **err);

/**
 * Translates a file to the configuration of liblxc that a start with it would
 * make, given in *out. The callback warning hears what is wrong with the file
 * or had to be left out.
 *
 * host is a JSON object that describes a host, at least with the members home
 * ("pve" or "standalone"), liblxc (its version) and cgroup ("v1", "hybrid" or
 * "v2"); NULL is this host, which is then asked. *seccomp is the text of the
 * seccomp profile, NULL if the container has none of its own; seccomp may be
 * NULL. The configuration of a template is empty.
 */
pct_status pct_config_to_lxc(const pct_ctx *ctx,
                             uint32_t vmid,
                             const char *config,
                             size_t size,
                             const char *host,
                             const pct_progress *progress,
                             char **out,
                             char **seccomp,
                             pct_error **err);

/**
 * The JSON Schema (draft 2020-12) of what pct_container_config_json gives, in
 * *out: keys, types, limits, defaults and descriptions, as in pct schema. Needs
 * no context. The caller frees it with pct_string_free.
 */
pct_status pct_config_schema_json(char **out, pct_error **err);

/*
 * ======== Inside a running container
 *
 * A command runs as root of the container with the standard streams that the
 * call names; no byte of them passes through the library. Its exit status is
 * that of a shell: 126 or 127 when it could not be executed, 128 + n when
 * signal n has ended it, and 255 when there was no way into the container.
 */

/**
 * How a command or shell is run.
 */
typedef struct pct_exec_options {
    /**
     * sizeof (pct_exec_options)
     */
    size_t struct_size;
    /**
     * Give it the environment of the calling process, instead of only TERM.
     * PATH is /sbin:/bin:/usr/sbin:/usr/bin in any case.
     */
    int keep_env;
    /**
     * Its standard input; 0 or -1 is that of the calling process.
     */
    int stdin_fd;
    /**
     * Its standard output; 0 or -1 is that of the calling process.
     */
    int stdout_fd;
    /**
     * Its standard error; 0 or -1 is that of the calling process.
     */
    int stderr_fd;
} pct_exec_options;

/**
 * How a console is connected.
 */
typedef struct pct_console_options {
    /**
     * sizeof (pct_console_options)
     */
    size_t struct_size;
    /**
     * The letter, 'a' to 'z', that begins together with the control key the
     * sequence to leave; 'q' ends it. Zero is 'a'.
     */
    int escape;
    /**
     * Its standard input, a terminal; 0 or -1 is that of the calling process.
     */
    int stdin_fd;
    /**
     * Its standard output; 0 or -1 is that of the calling process.
     */
    int stdout_fd;
    /**
     * Its standard error; 0 or -1 is that of the calling process.
     */
    int stderr_fd;
} pct_console_options;

/**
 * Starts a command inside a running container and returns at once. argv ends
 * in NULL.
 *
 * *pid is a child of the calling process, which must wait for it: waitpid
 * gives the exit status, signals that it gets are passed on to the command.
 * *pidfd is a file descriptor of the same process, which poll shows as
 * readable when it has ended; the caller closes it. pidfd may be NULL.
 */
pct_status pct_container_exec(const pct_ctx *ctx,
                              uint32_t vmid,
                              const char *const *argv,
                              const pct_exec_options *options,
                              int32_t *pid,
                              int *pidfd,
                              pct_error **err);

/**
 * Runs a command inside a running container to its end. argv ends in NULL.
 * PCT_OK says that it has run, *exit_status how it ended.
 */
pct_status pct_container_exec_wait(const pct_ctx *ctx,
                                   uint32_t vmid,
                                   const char *const *argv,
                                   const pct_exec_options *options,
                                   int *exit_status,
                                   pct_error **err);

/**
 * Runs the login shell of root inside a running container to its end, on a
 * terminal of its own when standard input is one.
 */
pct_status pct_container_enter_wait(const pct_ctx *ctx,
                                    uint32_t vmid,
                                    const pct_exec_options *options,
                                    int *exit_status,
                                    pct_error **err);

/**
 * Connects a terminal to one of the container until the user leaves it.
 */
pct_status pct_container_console_wait(const pct_ctx *ctx,
                                      uint32_t vmid,
                                      const pct_console_options *options,
                                      int *exit_status,
                                      pct_error **err);

/*
 * ======== Commands and what they say
 */

/**
 * What a command has said, and how it ended.
 */
typedef struct pct_output pct_output;

/**
 * What pct_container_exec_output gives to a command, and how much of it it
 * bears.
 */
typedef struct pct_output_options {
    /**
     * sizeof (pct_output_options)
     */
    size_t struct_size;
    /**
     * Bytes for its standard input, which ends behind them.
     */
    const void *input;
    /**
     * How many.
     */
    size_t input_size;
    /**
     * How many bytes it may write to its standard output, and to its standard
     * error. Zero is 16 MiB.
     */
    size_t limit;
    /**
     * How many milliseconds it may take. Zero is any time.
     */
    uint32_t timeout_ms;
    /**
     * As in pct_exec_options.
     */
    int keep_env;
} pct_output_options;

/**
 * Runs a command inside a running container to its end, and gives in *out what
 * it has said. argv ends in NULL. The caller frees *out with pct_output_free.
 *
 * After PCT_E_TIMEOUT and PCT_E_TOO_MUCH the command has got SIGTERM; one that
 * does not heed it goes on inside. What a command leaves in the background is
 * not waited for.
 */
pct_status pct_container_exec_output(const pct_ctx *ctx,
                                     uint32_t vmid,
                                     const char *const *argv,
                                     const pct_output_options *options,
                                     pct_output **out,
                                     pct_error **err);

/**
 * How the command ended. -1 for NULL.
 */
int pct_output_exit_status(const pct_output *output);

/**
 * The bytes of its standard output, any bytes, with a NUL behind them, and in
 * *size how many; size may be NULL. Valid until the object is freed. Empty for
 * NULL, never NULL itself.
 */
const char *pct_output_stdout(const pct_output *output, size_t *size);

/**
 * As pct_output_stdout, of its standard error.
 */
const char *pct_output_stderr(const pct_output *output, size_t *size);

/**
 * Frees an output. NULL is ignored.
 */
void pct_output_free(pct_output *output);

/*
 * ======== Terminals of a running container
 *
 * For programs that are a terminal themselves; pct_container_console_wait
 * connects the one that the user sits at.
 */

/**
 * A terminal that is the caller's until it is freed.
 */
typedef struct pct_tty pct_tty;

/**
 * Leases a terminal: number 0 is the console of the container, others are its
 * /dev/tty1 and so on, -1 is the first that is free. The caller gives it back
 * with pct_tty_free. PCT_E_SYSTEM with the errno EBUSY when it is taken.
 */
pct_status pct_container_tty(const pct_ctx *ctx,
                             uint32_t vmid,
                             int number,
                             pct_tty **out,
                             pct_error **err);

/**
 * A file descriptor of the terminal: what is written to it the container reads
 * as typed, and what the container shows is read from it. It stays the
 * library's, and is closed by pct_tty_free. -1 for NULL.
 */
int pct_tty_fd(const pct_tty *tty);

/**
 * A file descriptor for poll, which shows it as readable or hung up when the
 * container has stopped. It stays the library's. -1 for NULL.
 */
int pct_tty_end_fd(const pct_tty *tty);

/**
 * The number of the terminal, 0 for the console. -1 for NULL.
 */
int pct_tty_number(const pct_tty *tty);

/**
 * Gives a terminal back to the container. NULL is ignored.
 */
void pct_tty_free(pct_tty *tty);

/*
 * ======== Files of a running container
 *
 * Paths in the container are UTF-8 and are looked up inside, links as well; a
 * relative one begins at its root. A file that is there is overwritten. What
 * was copied until a failure stays. PCT_E_NOT_RUNNING when the container is
 * stopped.
 *
 * The file of the host is given by its path or, where that is NULL, by host_fd
 * of the options.
 */

/**
 * How pct_container_push and pct_container_pull copy.
 */
typedef struct pct_copy_options {
    /**
     * sizeof (pct_copy_options)
     */
    size_t struct_size;
    /**
     * The owner of a file that is made, a name or number of the side where
     * that happens. NULL is root.
     */
    const char *user;
    /**
     * Its group, in the same way.
     */
    const char *group;
    /**
     * Its permission bits, at most 07777, when set_mode is on.
     */
    uint32_t mode;
    /**
     * Without it they are those that the umask gives.
     */
    int set_mode;
    /**
     * Copy a folder with all that is in it.
     */
    int recursive;
    /**
     * An open file or a stream, which is read to its end, or written to from
     * where it stands. 0 and -1 are none.
     */
    int host_fd;
} pct_copy_options;

/**
 * Copies a file of the host into the container.
 */
pct_status pct_container_push(const pct_ctx *ctx,
                              uint32_t vmid,
                              const char *file,
                              const char *destination,
                              const pct_copy_options *options,
                              const pct_progress *progress,
                              pct_error **err);

/**
 * Copies a file of the container to the host. host_fd keeps its owner and
 * mode: with it none can be given.
 */
pct_status pct_container_pull(const pct_ctx *ctx,
                              uint32_t vmid,
                              const char *path,
                              const char *destination,
                              const pct_copy_options *options,
                              const pct_progress *progress,
                              pct_error **err);

/*
 * ======== Root directories without containers
 */

/**
 * What pct_set_up_guest does. config and event must be given.
 */
typedef struct pct_guest_options {
    /**
     * sizeof (pct_guest_options)
     */
    size_t struct_size;
    /**
     * The bytes of a configuration file.
     */
    const char *config;
    /**
     * How many, at most 1 MiB.
     */
    size_t config_size;
    /**
     * What happens to the container, which has steps of its own: "create",
     * "restore", "clone", "start", or "net", which writes the network alone.
     */
    const char *event;
    /**
     * For "create": the password of root, or its hash. Without one root cannot
     * log in by password.
     */
    const char *password;
    /**
     * For "create": lines for the authorized_keys of root.
     */
    const char *ssh_public_keys;
    /**
     * The host, as for pct_config_to_lxc. NULL is this host.
     */
    const char *host;
} pct_guest_options;

/**
 * Sets up a directory tree as the root of a container: for builders of
 * images. Its files belong to the ids of the host that the configuration maps
 * those of the container to. Nothing of the tree is run. Needs root, but no
 * context; vmid only shows in messages.
 *
 * *out is a JSON object with ostype and arch, which were found; the caller
 * frees it with pct_string_free. Steps before a failure have been done. The
 * options must be given.
 */
pct_status pct_set_up_guest(const char *rootfs,
                            uint32_t vmid,
                            const pct_guest_options *options,
                            const pct_progress *progress,
                            char **out,
                            pct_error **err);

/*
 * ======== Events
 *
 * A program that waits for many things at once hears of containers that start
 * and stop by one file descriptor in its loop.
 */

/**
 * Changes of state of all containers of a host.
 */
typedef struct pct_events pct_events;

/**
 * Begins to watch the containers of the context; changes from now on are told.
 * Whoever also wants to know how things stand asks after this call: then
 * nothing is missed. The caller frees *out with pct_events_free; it may outlive
 * the context.
 */
pct_status pct_events_new(const pct_ctx *ctx, pct_events **out, pct_error **err);

/**
 * A file descriptor that poll shows as readable when there may be a change.
 * Then pct_events_next is to be called until it gives none. It stays the
 * library's, and is closed by pct_events_free. -1 for NULL.
 */
int pct_events_fd(const pct_events *events);

/**
 * The next change, without waiting: *vmid is the number of the container and
 * *state the state that it is in now, or 0 and NULL when there is none.
 *
 * - "running": its init runs. Told again for a guest that has rebooted
 * - "stopped": it exists, and nothing of it runs
 * - "gone": there is no container of this number any more
 *
 * A state that was left again before it was looked at may be left out. *state
 * is not to be freed. After an error nothing is lost: it can be called again.
 */
pct_status pct_events_next(const pct_events *events,
                           uint32_t *vmid,
                           const char **state,
                           pct_error **err);

/**
 * Ends the watching and closes the file descriptor. NULL is ignored.
 */
void pct_events_free(pct_events *events);

#ifdef __cplusplus
}
#endif

#endif
