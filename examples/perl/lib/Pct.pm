package Pct;

use v5.36;

use IO::Handle ();
use JSON::PP ();
use Pct::C (
    qw(assignments call call_bytes call_json call_text descriptor listening logging octets options owned),
    qw(path plain strings text text_of),
);
use Pct::Container;
use Pct::Events;

our $VERSION = '0.1.0';

sub new ($class, %options) {
    my $log     = delete $options{log};
    my $logging = $log ? logging($log) : {};
    my $options = options(
        'Ctx',
        (map { $_ => path($options{$_}) } keys %options),
        log => $logging->{address}
    );
    my $self = bless { ctx => owned('pct_ctx_free'), logging => $logging }, $class;
    call(pct_ctx_new => $options, \$self->{ctx}{pointer});
    return $self;
}

sub version () { return plain('pct_version') }

sub has_feature ($name) { return !!plain(pct_has_feature => text($name)) }

# For calls of C.
sub handle ($self) { return $self->{ctx}{pointer} }

sub container ($self, $vmid) { return Pct::Container->new($self, $vmid) }

sub containers ($self) {
    return map { $self->container($_->{vmid}) } $self->list;
}

sub list ($self) { return call_json(pct_list_json => $self->handle)->@* }

sub list_of ($self, @vmids) {
    return call_json(pct_list_of_json => $self->handle, \@vmids, scalar @vmids)->@*;
}

sub events ($self) { return Pct::Events->new($self->handle) }

sub free_vmid ($self) {
    call(pct_free_vmid => $self->handle, \my $vmid);
    return $vmid || undef;
}

sub storages ($self, $content) {
    return call_json(pct_storages_json => $self->handle, text($content))->@*;
}

sub storage_status ($self) { return call_json(pct_storage_status_json => $self->handle)->@* }

sub add_storage ($self, $kind, $storage, $config) {
    my $words = assignments($config);
    return call(pct_storage_add => $self->handle, text($kind), text($storage), $words->{address});
}

sub set_storage ($self, $storage, $changes = {}, %options) {
    my $set     = assignments($changes);
    my $unset   = strings(map { text($_) } (delete $options{delete} // [])->@*);
    my $options = options('StorageSet', %options, set => $set->{address}, unset => $unset->{address});
    return call(pct_storage_set => $self->handle, text($storage), $options);
}

sub remove_storage ($self, $storage) {
    return call(pct_storage_remove => $self->handle, text($storage));
}

sub storage_contents ($self, $storage, %options) {
    my $options = options('Contents', %options, content => text($options{content}));
    return call_json(pct_storage_contents_json => $self->handle, text($storage), $options)->@*;
}

sub allocate_volume ($self, $storage, $vmid, $size, %options) {
    my $options = options('Allocate', %options, format => text($options{format}));
    return call_text(pct_volume_allocate => $self->handle, text($storage), $vmid, $size, $options);
}

sub remove_volume ($self, $volume) { return call(pct_volume_remove => $self->handle, text($volume)) }

sub volume_path ($self, $volume) {
    return call_bytes(pct_volume_path => $self->handle, text($volume));
}

sub export_volume ($self, $volume, $format, $handle, %options) {
    my $progress = delete $options{progress};
    my $options  = options('VolumeExport', %options, map { $_ => text($options{$_}) } qw(snapshot base));
    my @args     = ($self->handle, text($volume), text($format), descriptor($handle), $options);
    # What was printed to it before is in front of the stream.
    $handle->flush or die "cannot write what is in the buffer of the handle: $!\n";
    return listening($progress, sub ($callbacks) { call(pct_volume_export => @args, $callbacks) });
}

sub import_volume ($self, $volume, $format, $handle, %options) {
    my $progress = delete $options{progress};
    my $options  = options(
        'VolumeImport', %options,
        map { $_ => text($options{$_}) } qw(snapshot base delete_snapshot)
    );
    my @args = ($self->handle, text($volume), text($format), descriptor($handle), $options);
    return listening($progress, sub ($callbacks) { call_text(pct_volume_import => @args, $callbacks) });
}

sub templates ($self, $storage) {
    return call_json(pct_templates_json => $self->handle, text($storage))->@*;
}

sub cpusets ($self) { return call_json(pct_cpusets_json => $self->handle)->@* }

sub doctor ($self, @vmids) {
    return call_json(pct_doctor_json => $self->handle, \@vmids, scalar @vmids)->@*;
}

sub start_all ($self, %options) { return $self->_all(start_all => 'StartAll', %options) }
sub stop_all  ($self, %options) { return $self->_all(stop_all  => 'StopAll',  %options) }
sub rescan    ($self, %options) { return $self->_all(rescan    => 'Rescan',   %options) }

sub _all ($self, $verb, $type, %options) {
    my $progress = delete $options{progress};
    my $options  = options($type, %options);
    my $failed   = listening(
        $progress,
        sub ($callbacks) { call_json("pct_$verb", $self->handle, $options, $callbacks) }
    );
    return @$failed;
}

sub parse_config ($config, $vmid) {
    my $file = octets($config);
    return call_json(pct_config_parse => $file, length $file, $vmid);
}

sub config_schema () { return call_json('pct_config_schema_json') }

sub translate ($self, $config, $vmid, %options) {
    my ($host, $progress) = delete @options{qw(host progress)};
    $host = JSON::PP->new->utf8->encode($host) if $host;
    my $file = octets($config);
    my ($lxc, $seccomp) = map { owned('pct_string_free') } 1 .. 2;
    listening(
        $progress,
        sub ($callbacks) {
            call(
                pct_config_to_lxc => $self->handle,
                $vmid, $file, length $file, $host, $callbacks, \$lxc->{pointer}, \$seccomp->{pointer}
            );
        }
    );
    return wantarray ? (text_of($lxc), text_of($seccomp)) : text_of($lxc);
}

1;

__END__

=encoding utf8

=head1 NAME

Pct - system containers by libpct

=head1 SYNOPSIS

    use Pct;

    my $node = Pct->new;
    for my $container ($node->containers) {
        say $container->vmid, ' ', $container->status->{status};
    }

    my $web = $node->container(101);
    $web->create(
        'local:vztmpl/debian.tar.zst',
        { hostname => 'web', memory => 512, net0 => 'name=eth0,bridge=br0,ip=dhcp' },
        progress => sub ($event, @values) { say $values[0] if $event eq 'message' },
    );
    $web->start;
    print $web->output(['hostname'])->{stdout};
    $web->set({ memory => 1024 });
    $web->shutdown(timeout => 30, force_stop => 1);

=head1 DESCRIPTION

What F<pct> does, without a shell and without text to parse. Needs F<libpct.so.0>, which runs
F<pct-helper>, and C<FFI::Platypus>, in Debian the package F<libffi-platypus-perl>. To use it, copy
the folder F<lib>.

Calls return when the work is done. A call that fails dies with a L<Pct::Error>. SIGCHLD must not be
ignored.

Strings are characters, both ways; only paths of the host, commands, what goes into a command and
comes out of it, and configuration files are bytes. Arguments of a script that are not plain ASCII
have to be decoded before they become a value of the configuration.

=head2 Progress

Operations take C<progress>, a sub that hears what they have to say. Its first argument is

=over

=item message

A line of output follows.

=item warning

A line follows about something that did not stop the operation but should be known.

=item bytes

The number of bytes that are done follows, and of how many, undef if that is not known.

=item waiting_for_lock

Another operation holds the lock of the container. 0 follows when the waiting begins, 1 when it is
over.

=back

When the sub dies, the operation is cancelled where the library can do that, a create for one leaves
nothing behind, and the call dies of the same.

=head1 METHODS

=head2 new

    Pct->new(root => '/srv/other', helper => '/usr/libexec/pct-helper')

The containers of this host, or of one below C<root>, which prefixes all paths. C<helper> is the
program pct-helper, if not the installed one. Costs little: it holds no connection.

    Pct->new(log => sub ($priority, $text) { syslog($priority, '%s', $text) })

C<log> hears what no C<progress> does: what a configuration file says that the library does not
understand, and all messages of calls without one. The priority is one of L<Sys::Syslog>,
C<LOG_WARNING> or C<LOG_INFO>. When it dies, the call dies of the same when it has done its work.

=head2 container

The L<Pct::Container> with this number, whether it is there or not.

=head2 containers

All of them, as L<Pct::Container>.

=head2 list

The state of all of them, as L<Pct::Container/status> gives it. Where the configuration cannot be
read there is C<error> instead.

=head2 list_of

The same for these numbers. One that does not exist is among them with its C<error>.

=head2 events

    my $events = $node->events;
    while (my ($vmid, $state) = $events->next) { say "$vmid is $state" }

A L<Pct::Events>: their changes of state from now on.

=head2 free_vmid

The lowest number that no container has, undef when all are taken. Nothing reserves it.

=head2 storages

The storages that hold volumes of containers (C<rootdir>) or templates (C<vztmpl>).

=head2 storage_status

The storages with their room: hashes with C<storage>, C<type>, C<content>, the flags C<active>,
C<enabled> and C<shared>, C<total>, C<used> and C<avail> in bytes, and C<error> of one that cannot be
used. Each is made ready, so mounted where its type needs that.

=head2 add_storage

    $node->add_storage('dir', 'fast', { path => '/srv/fast', content => 'rootdir' });

Writes a storage down, with the options of F<storage.cfg>. Nothing is made or mounted by that.

=head2 set_storage

    $node->set_storage('fast', { content => 'rootdir,vztmpl' }, delete => ['shared']);

Sets and deletes options of a storage.

=head2 remove_storage

Takes a storage out of F<storage.cfg>. What is on it stays there.

=head2 storage_contents

    my @volumes = $node->storage_contents('local', content => 'rootdir', vmid => 101);

What is on a storage: hashes with C<volid>, C<format>, C<content>, C<size> in bytes, and where there is
one C<vmid> and C<parent>. C<content> shows only volumes (C<rootdir>) or only templates (C<vztmpl>),
C<vmid> those of a container.

=head2 allocate_volume

    my $volume = $node->allocate_volume('local', 101, 8 << 30);

Makes a new, empty volume of so many bytes, 0 without a limit, and gives which one. No file system is
made on it, and no configuration names it. Option: C<format>, C<raw> or C<subvol>.

=head2 remove_volume

Removes a volume, whether or not a configuration names it.

=head2 volume_path

Where the data of a volume, or the file of a template, is.

=head2 export_volume

    open my $file, '>:raw', '/srv/disk' or die;
    $node->export_volume('local:101/vm-101-disk-0.raw', 'raw+size', $file);

Writes a volume to a handle, as a stream: an image as C<raw+size>, a tree as C<tar+size>, snapshots as
C<btrfs> or C<zfs>, as their storage has them. What a running container has not written out yet is
missing. A pipe that nobody reads any more raises SIGPIPE. Options: C<progress>; C<snapshot>, the one
to write instead of the present content; and of snapshots C<base>, one that the receiver has already,
since which only the changes are written, and C<with_snapshots>, which writes the older ones, too.

=head2 import_volume

    open my $file, '<:raw', '/srv/disk' or die;
    my $volume = $node->import_volume('fast:102/vm-102-disk-0.raw', 'raw+size', $file);

Makes a volume of such a stream, or nothing, and gives which one. Nothing of the stream may have been
read from the handle before: it would be missing. Options: C<progress>; C<allow_rename>, which takes a
free name where a volume has that one; and of snapshots C<snapshot>, the one that becomes the content,
C<base>, the one that the stream continues, and C<delete_snapshot>, one to remove at the end. Streams
of snapshots come from who may become root here.

=head2 templates

Those of a storage, for L<Pct::Container/create>.

=head2 cpusets

The processors that each running container may use: C<vmid> and C<cpus>.

=head2 doctor

As L<Pct::Container/doctor>, for these numbers or for all containers.

=head2 start_all

Starts the containers with C<onboot>, with C<force> all, in the order of C<startup>. Gives those
that failed: C<vmid> and C<error>.

=head2 stop_all

Shuts all down, in the reverse order. A guest that takes longer than C<timeout> seconds, 60 if not
given, is killed. Gives those that failed.

=head2 rescan

Looks through the storages for volumes; with C<dry_run> writes nothing. Gives the containers that
failed.

=head2 translate

    my ($lxc, $seccomp) = $node->translate($file, 101, host => \%facts);

The configuration of liblxc that a start with these bytes of a file would make, and the seccomp
profile if the container has one of its own. C<host> describes another host than this one.

=head1 FUNCTIONS

=head2 Pct::parse_config

    my $parsed = Pct::parse_config($file, 101);

What the bytes of a configuration file say, and what is wrong with it: C<config>, C<pending>,
C<snapshots> and C<findings>, which have C<line>, C<column>, C<severity>, C<message>, C<help>.
Touches nothing.

=head2 Pct::config_schema

The JSON Schema of what L<Pct::Container/config> gives: keys, types, limits, defaults.

=head2 Pct::version

That of the library in use.

=head2 Pct::has_feature

Whether the library in use has a feature; F<pct.h> lists them.

=cut
