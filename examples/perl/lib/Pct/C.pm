package Pct::C;

use v5.36;

use Carp qw(croak);
use Exporter qw(import);
use FFI::Platypus 2.00;
use FFI::Platypus::Buffer qw(buffer_to_scalar scalar_to_pointer);
use FFI::Platypus::Record ();
use JSON::PP ();
use Pct::Error;

our @EXPORT_OK = (
    qw(assignments bytes_of call call_bytes call_json call_text descriptor listening logging octets options),
    qw(owned path plain scalar_to_pointer strings text text_of),
);

# A wrong argument is the fault of whoever called these.
our @CARP_NOT = qw(Pct Pct::Container);

my $ffi = FFI::Platypus->new(api => 2, lib => 'libpct.so.0');

# The option structs of pct.h: the members behind struct_size, which is the first one of each.
our %STRUCTS = (
    CtxOptions    => [qw(string root  string helper  opaque log  opaque log_user)],
    Progress      => [qw(opaque user  opaque message  opaque warning  opaque bytes  opaque waiting_for_lock)],
    CreateOptions => [
        qw(string ostemplate  opaque config  string storage  string password  string ssh_public_keys),
        qw(int ignore_unpack_errors  int start),
    ],
    DestroyOptions  => [qw(int force  int purge  int destroy_unreferenced_disks  int reserved)],
    StartOptions    => [qw(int debug  int skiplock)],
    StopOptions     => [qw(int skiplock  int reserved)],
    ShutdownOptions => [qw(uint32 timeout_ms  int force_stop)],
    RebootOptions   => [qw(uint32 timeout_ms  int reserved)],
    WaitOptions     => [qw(uint32 timeout_ms  int reserved)],
    StartAllOptions => [qw(int force  int reserved)],
    StopAllOptions  => [qw(uint32 timeout_ms  int reserved)],
    ConfigOptions   => [qw(string snapshot  int current  int reserved)],
    SetOptions      => [qw(opaque set  opaque unset  opaque revert  string digest)],
    RescanOptions   => [qw(int dry_run  int reserved)],
    RepairOptions   => [qw(int dry_run  int reserved)],
    FsckOptions     => [qw(string device  int force  int reserved)],
    FstrimOptions   => [qw(int ignore_mountpoints  int reserved)],
    ResizeOptions   => [qw(string digest)],
    SnapshotOptions => [qw(string description)],
    RollbackOptions => [qw(int start  int reserved)],
    CloneOptions    => [
        qw(string snapshot  string storage  string hostname  string description),
        qw(uint64 bwlimit  int full  int linked),
    ],
    DeleteSnapshotOptions => [qw(int force  int reserved)],
    MoveVolumeOptions     => [qw(string digest  uint64 bwlimit  int delete_source  int reserved)],
    ReassignVolumeOptions => [qw(string target_key  string digest  string target_digest)],
    StorageSetOptions     => [qw(opaque set  opaque unset)],
    ContentsOptions       => [qw(string content  uint32 vmid  int reserved)],
    AllocateOptions       => [qw(string format)],
    VolumeExportOptions   => [qw(string snapshot  string base  int with_snapshots  int reserved)],
    VolumeImportOptions   => [
        qw(string snapshot  string base  string delete_snapshot  int allow_rename  int reserved)
    ],
    ExecOptions           => [qw(int keep_env  int stdin_fd  int stdout_fd  int stderr_fd)],
    OutputOptions         => [qw(opaque input  size_t input_size  size_t limit  uint32 timeout_ms  int keep_env)],
    CopyOptions           => [
        qw(string user  string group  uint32 mode  int set_mode  int recursive  int host_fd)
    ],
);

for my $struct (keys %STRUCTS) {
    my @members = map { s/^string$/string rw/r } $STRUCTS{$struct}->@*;
    # It gives the members to the package that calls it.
    eval "package Pct::C::$struct; FFI::Platypus::Record::record_layout_1(size_t => 'struct_size', \@members); 1"
        or die $@;
}

# The functions that can fail, without the last parameter, the error.
our %PARAMETERS = (
    pct_ctx_new                   => [qw(CtxOptions opaque*)],
    pct_list_json                 => [qw(opaque opaque*)],
    pct_list_of_json              => [qw(opaque uint32[] size_t opaque*)],
    pct_free_vmid                 => [qw(opaque uint32*)],
    pct_storages_json             => [qw(opaque string opaque*)],
    pct_storage_status_json       => [qw(opaque opaque*)],
    pct_storage_add               => [qw(opaque string string opaque)],
    pct_storage_set               => [qw(opaque string StorageSetOptions)],
    pct_storage_remove            => [qw(opaque string)],
    pct_storage_contents_json     => [qw(opaque string ContentsOptions opaque*)],
    pct_templates_json            => [qw(opaque string opaque*)],
    pct_volume_allocate           => [qw(opaque string uint32 uint64 AllocateOptions opaque*)],
    pct_volume_remove             => [qw(opaque string)],
    pct_volume_path               => [qw(opaque string opaque*)],
    pct_volume_export             => [qw(opaque string string int VolumeExportOptions Progress)],
    pct_volume_import             => [qw(opaque string string int VolumeImportOptions Progress opaque*)],
    pct_cpusets_json              => [qw(opaque opaque*)],
    pct_doctor_json               => [qw(opaque uint32[] size_t opaque*)],
    pct_start_all                 => [qw(opaque StartAllOptions Progress opaque*)],
    pct_stop_all                  => [qw(opaque StopAllOptions Progress opaque*)],
    pct_rescan                    => [qw(opaque RescanOptions Progress opaque*)],
    pct_config_parse              => [qw(string size_t uint32 opaque*)],
    pct_config_schema_json        => [qw(opaque*)],
    pct_config_to_lxc             => [qw(opaque uint32 string size_t string Progress opaque* opaque*)],
    pct_container_create          => [qw(opaque uint32 CreateOptions Progress)],
    pct_container_destroy         => [qw(opaque uint32 DestroyOptions Progress)],
    pct_container_start           => [qw(opaque uint32 StartOptions Progress)],
    pct_container_stop            => [qw(opaque uint32 StopOptions Progress)],
    pct_container_shutdown        => [qw(opaque uint32 ShutdownOptions Progress)],
    pct_container_reboot          => [qw(opaque uint32 RebootOptions Progress)],
    pct_container_suspend         => [qw(opaque uint32 Progress)],
    pct_container_resume          => [qw(opaque uint32 Progress)],
    pct_container_unlock          => [qw(opaque uint32 Progress)],
    pct_container_wait            => [qw(opaque uint32 string WaitOptions Progress)],
    pct_container_is_running      => [qw(opaque uint32 bool*)],
    pct_container_status_json     => [qw(opaque uint32 opaque*)],
    pct_container_config_json     => [qw(opaque uint32 ConfigOptions opaque*)],
    pct_container_pending_json    => [qw(opaque uint32 opaque*)],
    pct_container_snapshots_json  => [qw(opaque uint32 opaque*)],
    pct_container_interfaces_json => [qw(opaque uint32 opaque*)],
    pct_container_doctor_json     => [qw(opaque uint32 opaque*)],
    pct_container_init_pidfd      => [qw(opaque uint32 int*)],
    pct_container_set             => [qw(opaque uint32 SetOptions Progress)],
    pct_container_rescan          => [qw(opaque uint32 RescanOptions Progress)],
    pct_container_repair          => [qw(opaque uint32 RepairOptions Progress opaque*)],
    pct_container_mount           => [qw(opaque uint32 Progress opaque*)],
    pct_container_unmount         => [qw(opaque uint32 Progress)],
    pct_container_df_json         => [qw(opaque uint32 Progress opaque*)],
    pct_container_fsck            => [qw(opaque uint32 FsckOptions Progress)],
    pct_container_fstrim          => [qw(opaque uint32 FstrimOptions Progress uint64*)],
    pct_container_resize          => [qw(opaque uint32 string string ResizeOptions Progress)],
    pct_container_move_volume     => [qw(opaque uint32 string string MoveVolumeOptions Progress)],
    pct_container_reassign_volume => [qw(opaque uint32 string uint32 ReassignVolumeOptions Progress)],
    pct_container_snapshot        => [qw(opaque uint32 string SnapshotOptions Progress)],
    pct_container_delete_snapshot => [qw(opaque uint32 string DeleteSnapshotOptions Progress)],
    pct_container_rollback        => [qw(opaque uint32 string RollbackOptions Progress)],
    pct_container_clone           => [qw(opaque uint32 uint32 CloneOptions Progress)],
    pct_container_template        => [qw(opaque uint32 Progress)],
    pct_container_exec_wait       => [qw(opaque uint32 opaque ExecOptions int*)],
    pct_container_exec_output     => [qw(opaque uint32 opaque OutputOptions opaque*)],
    pct_container_push            => [qw(opaque uint32 string string CopyOptions Progress)],
    pct_container_pull            => [qw(opaque uint32 string string CopyOptions Progress)],
    pct_events_new                => [qw(opaque opaque*)],
    pct_events_next               => [qw(opaque uint32* string*)],
);

# The functions that cannot: parameters, result.
my %OTHERS = (
    pct_version            => [[],                   'string'],
    pct_has_feature        => [['string'],           'bool'],
    pct_error_kind         => [['opaque'],           'string'],
    pct_error_errno        => [['opaque'],           'int'],
    pct_error_vmid         => [['opaque'],           'uint32'],
    pct_error_message      => [['opaque'],           'string'],
    pct_error_free         => [['opaque'],           'void'],
    pct_string_free        => [['opaque'],           'void'],
    pct_ctx_free           => [['opaque'],           'void'],
    pct_output_exit_status => [['opaque'],           'int'],
    pct_output_stdout      => [[qw(opaque size_t*)], 'opaque'],
    pct_output_stderr      => [[qw(opaque size_t*)], 'opaque'],
    pct_output_free        => [['opaque'],           'void'],
    pct_events_fd          => [['opaque'],           'int'],
    pct_events_free        => [['opaque'],           'void'],
);

# A function is looked up when it is used: an older library lacks some.
sub _function ($name) {
    state %functions;
    return $functions{$name} //= do {
        my ($parameters, $result) = $OTHERS{$name}
            ? $OTHERS{$name}->@*
            : ([$PARAMETERS{$name}->@*, 'opaque*'], 'sint32');
        my @types = map { /^[A-Z]/ ? "record(Pct::C::$_)*" : $_ } @$parameters;
        $ffi->find_symbol($name) or croak "no $name in libpct.so.0: is it installed, and new enough?";
        $ffi->function($name => \@types => $result);
    };
}

sub plain ($name, @args) { return _function($name)->call(@args) }

# What a callback of the call that is running has died of.
our $Died;

# Calls a function that can fail, and dies when it or a callback does.
sub call ($name, @args) {
    my $error  = owned('pct_error_free');
    my $status = _function($name)->call(@args, \$error->{pointer});
    if (defined(my $died = $Died)) {
        undef $Died;
        die $died;
    }
    return if $status == 0;
    die Pct::Error->new(
        status  => $status,
        message => _decoded(plain(pct_error_message => $error->{pointer})),
        kind    => plain(pct_error_kind  => $error->{pointer}),
        vmid    => plain(pct_error_vmid  => $error->{pointer}) || undef,
        errno   => plain(pct_error_errno => $error->{pointer}) || undef,
    );
}

# What a function gives in its last parameter before the error: bytes, characters, or values.
sub call_bytes ($name, @args) {
    my $out = owned('pct_string_free');
    call($name, @args, \$out->{pointer});
    return $ffi->cast(opaque => 'string', $out->{pointer});
}

sub call_text ($name, @args) { return _decoded(call_bytes($name, @args)) }

sub call_json ($name, @args) { return JSON::PP->new->allow_nonref->decode(call_text($name, @args)) }

# A pointer for what the library gives, which takes it back by this function.
sub owned ($free) { return bless { pointer => undef, free => $free }, 'Pct::C::Owned' }

sub Pct::C::Owned::DESTROY ($self) {
    # At the end of the process what it takes may be gone already.
    plain($self->{free} => $self->{pointer}) if defined $self->{pointer} && ${^GLOBAL_PHASE} ne 'DESTRUCT';
}

# What a char * says.
sub text_of ($owned) { return _decoded($ffi->cast(opaque => 'string', $owned->{pointer})) }

# What an output of a command says.
sub bytes_of ($name, $output) {
    my $address = plain($name => $output->{pointer}, \my $size);
    return buffer_to_scalar($address, $size);
}

sub options ($name, %members) {
    my $class = "Pct::C::${name}Options";
    # 0 is no time given: no time at all is the shortest one.
    my $timeout = delete $members{timeout};
    $members{timeout_ms} = int($timeout * 1000) || 1 if defined $timeout;
    my $options = $class->new(struct_size => $ffi->sizeof("record($class)"));
    for my $member (keys %members) {
        $class->can($member) or croak "unknown option '$member'";
        $options->$member($members{$member}) if defined $members{$member};
    }
    return $options;
}

# Characters, for C.
sub text ($string) {
    return undef unless defined $string;
    croak 'a string for libpct must not contain NUL' if $string =~ /\0/;
    utf8::encode($string);
    return $string;
}

# A path of the host, or a word of a command, for C: bytes, as for open and system.
sub path ($string) {
    return undef unless defined $string;
    croak 'a path or a command for libpct must not contain NUL' if $string =~ /\0/;
    return octets($string);
}

# Bytes; who gives characters that are none means UTF-8.
sub octets ($string) {
    utf8::encode($string) unless utf8::downgrade($string, 1);
    return $string;
}

# The number of an open handle.
sub descriptor ($handle) {
    my $fd = fileno $handle;
    croak 'a handle is no open file' unless defined $fd && $fd >= 0;
    return $fd;
}

# An array of strings for C that ends in NULL. The address is good as long as the object lives.
sub strings (@strings) {
    my $array = pack 'p*', @strings, undef;
    return { address => scalar_to_pointer($array), array => \$array, strings => \@strings };
}

# Words such as "memory=512", as strings gives them.
sub assignments ($config) { return strings(map { text("$_=$config->{$_}") } sort keys %$config) }

sub _decoded ($bytes) {
    return undef unless defined $bytes;
    utf8::decode($bytes);
    return $bytes;
}

# What hears the operation that is running.
our $Listener;

# Calls $code with the argument for the callbacks of a call.
sub listening ($listener, $code) {
    local $Listener = $listener;
    return $code->($listener ? _callbacks() : undef);
}

# What hears a context; good as long as the object lives.
sub logging ($log) {
    my $hear    = sub ($, $priority, $text) { _hear($log, $priority, _decoded($text)); return };
    my $closure = $ffi->closure($hear);
    my $address = $ffi->cast('(opaque,int,string)->void' => 'opaque', $closure);
    return { address => $address, closure => $closure };
}

# Whether the library should stop. No exception may pass through it: the first one is kept, and
# call dies of it; then nothing more is heard.
sub _hear ($code, @values) {
    return 1 if defined $Died;
    return 0 if eval { $code->(@values); 1 };
    $Died = $@;
    return 1;
}

sub _tell (@event) { return _hear($Listener, @event) }

# One for all calls: which listener is meant, $Listener tells.
sub _callbacks () {
    state $total_unknown = ~0;
    state %closures = (
        message => ['string', sub ($, $text) { _tell(message => _decoded($text)) }],
        warning => ['string', sub ($, $text) { _tell(warning => _decoded($text)) }],
        bytes   => [
            'uint64,uint64',
            sub ($, $done, $total) {
                _tell(bytes => $done, $total == $total_unknown ? undef : $total);
            }
        ],
        waiting_for_lock => ['int', sub ($, $acquired) { _tell(waiting_for_lock => $acquired) }],
    );
    state $callbacks = do {
        my %members;
        for my $event (keys %closures) {
            my ($types, $code) = $closures{$event}->@*;
            my $closure = $closures{$event} = $ffi->closure($code);
            $members{$event} = $ffi->cast("(opaque,$types)->int" => 'opaque', $closure);
        }
        Pct::C::Progress->new(
            struct_size => $ffi->sizeof('record(Pct::C::Progress)'),
            %members
        );
    };
    return $callbacks;
}

1;

__END__

=encoding utf8

=head1 NAME

Pct::C - the C interface of libpct, for Pct

=head1 DESCRIPTION

What F<pct.h> declares: its functions with their types, its option structs, errors as
L<Pct::Error>, and callbacks. Programs use L<Pct>.

=cut
