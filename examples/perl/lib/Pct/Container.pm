package Pct::Container;

use v5.36;

use Pct::C (
    qw(assignments bytes_of call call_bytes call_json descriptor listening octets options owned path),
    qw(plain scalar_to_pointer strings text),
);

sub new ($class, $node, $vmid) { return bless { node => $node, vmid => $vmid }, $class }

sub vmid ($self) { return $self->{vmid} }

sub create ($self, $template, $config = {}, %options) {
    my $progress = delete $options{progress};
    my $words    = assignments($config);
    _encode(\%options, qw(storage password ssh_public_keys));
    my $options =
        options('Create', %options, ostemplate => path($template), config => $words->{address});
    return $self->_operate(create => $progress, $options);
}

sub destroy  ($self, %options) { return $self->_with(destroy  => 'Destroy',  %options) }
sub start    ($self, %options) { return $self->_with(start    => 'Start',    %options) }
sub stop     ($self, %options) { return $self->_with(stop     => 'Stop',     %options) }
sub shutdown ($self, %options) { return $self->_with(shutdown => 'Shutdown', %options) }
sub reboot   ($self, %options) { return $self->_with(reboot   => 'Reboot',   %options) }
sub rescan   ($self, %options) { return $self->_with(rescan   => 'Rescan',   %options) }

sub suspend ($self, %options) { return $self->_operate(suspend => $options{progress}) }
sub resume  ($self, %options) { return $self->_operate(resume  => $options{progress}) }
sub unlock  ($self, %options) { return $self->_operate(unlock  => $options{progress}) }

sub wait ($self, $condition, %options) {
    my $progress = delete $options{progress};
    return $self->_operate(wait => $progress, text($condition), options('Wait', %options));
}

sub is_running ($self) {
    $self->_call(is_running => \my $running);
    return !!$running;
}

sub status ($self) { return $self->_json('status') }

sub config ($self, %options) {
    $options{snapshot} = text($options{snapshot});
    return $self->_json(config => options('Config', %options));
}

sub pending    ($self) { return $self->_json('pending')->@* }
sub snapshots  ($self) { return $self->_json('snapshots')->@* }
sub interfaces ($self) { return ($self->_json('interfaces') // [])->@* }
sub doctor     ($self) { return $self->_json('doctor')->@* }

sub init_pidfd ($self) {
    $self->_call(init_pidfd => \my $pidfd);
    open my $handle, '<&=', $pidfd or die "cannot use descriptor $pidfd: $!\n";
    return $handle;
}

sub set ($self, $changes = {}, %options) {
    my ($progress, $delete, $revert) = delete @options{qw(progress delete revert)};
    my $set = assignments($changes);
    my ($unset, $reverted) = map { strings(map { text($_) } @$_) } $delete // [], $revert // [];
    my $options = options(
        'Set', %options,
        set    => $set->{address},
        unset  => $unset->{address},
        revert => $reverted->{address},
        digest => text($options{digest}),
    );
    return $self->_operate(set => $progress, $options);
}

sub repair ($self, %options) {
    my $progress = delete $options{progress};
    my $options  = options('Repair', %options);
    my $repair   = sub ($callbacks) { $self->_call_by(\&call_json, repair => $options, $callbacks) };
    return listening($progress, $repair)->@*;
}

sub mount ($self, %options) {
    my $mount = sub ($callbacks) { $self->_call_by(\&call_bytes, mount => $callbacks) };
    return listening($options{progress}, $mount);
}

sub unmount ($self, %options) { return $self->_operate(unmount => $options{progress}) }

sub df ($self, %options) {
    return listening($options{progress}, sub ($callbacks) { $self->_json(df => $callbacks) })->@*;
}

sub fsck ($self, $key = 'rootfs', %options) {
    return $self->_with(fsck => 'Fsck', %options, device => text($key));
}

sub fstrim ($self, %options) {
    my $progress = delete $options{progress};
    my $options  = options('Fstrim', %options);
    return listening(
        $progress,
        sub ($callbacks) {
            $self->_call(fstrim => $options, $callbacks, \my $bytes);
            return $bytes;
        }
    );
}

sub resize ($self, $key, $size, %options) {
    _encode(\%options, 'digest');
    return $self->_named(resize => 'Resize', [text($key), text($size)], %options);
}

sub move_volume ($self, $key, $storage, %options) {
    _encode(\%options, 'digest');
    my $delete = delete $options{delete};
    return $self->_named(
        move_volume => 'MoveVolume',
        [text($key), text($storage)], %options, delete_source => $delete
    );
}

sub reassign_volume ($self, $key, $target, %options) {
    _encode(\%options, qw(target_key digest target_digest));
    return $self->_named(reassign_volume => 'ReassignVolume', [text($key), $target->vmid], %options);
}

sub snapshot ($self, $name, %options) {
    _encode(\%options, 'description');
    return $self->_named(snapshot => 'Snapshot', [text($name)], %options);
}

sub delete_snapshot ($self, $name, %options) {
    return $self->_named(delete_snapshot => 'DeleteSnapshot', [text($name)], %options);
}

sub rollback ($self, $name, %options) {
    return $self->_named(rollback => 'Rollback', [text($name)], %options);
}

sub clone ($self, $vmid, %options) {
    _encode(\%options, qw(snapshot storage hostname description));
    my $full = delete $options{full};
    $options{ $full ? 'full' : 'linked' } = 1 if defined $full;
    $self->_named(clone => 'Clone', [$vmid], %options);
    return $self->{node}->container($vmid);
}

sub template ($self, %options) { return $self->_operate(template => $options{progress}) }

sub exec ($self, $command, %options) {
    for my $stream (qw(stdin stdout stderr)) {
        my $handle = delete $options{$stream} // next;
        $options{"${stream}_fd"} = descriptor($handle);
    }
    my $argv = strings(map { path($_) } @$command);
    $self->_call(exec_wait => $argv->{address}, options('Exec', %options), \my $status);
    return $status;
}

sub output ($self, $command, %options) {
    my $argv    = strings(map { path($_) } @$command);
    my $input   = octets(delete $options{input} // '');
    my $options = options(
        'Output', %options,
        input      => scalar_to_pointer($input),
        input_size => length $input
    );
    my $output = owned('pct_output_free');
    $self->_call(exec_output => $argv->{address}, $options, \$output->{pointer});
    return {
        status => plain(pct_output_exit_status => $output->{pointer}),
        stdout => bytes_of(pct_output_stdout => $output),
        stderr => bytes_of(pct_output_stderr => $output),
    };
}

sub push ($self, $source, $destination, %options) {
    return $self->_copy(push => $source, [path(ref $source ? undef : $source), text($destination)], %options);
}

sub pull ($self, $source, $destination, %options) {
    return $self->_copy(
        pull => $destination,
        [text($source), path(ref $destination ? undef : $destination)], %options
    );
}

sub _copy ($self, $verb, $host, $paths, %options) {
    my $progress = delete $options{progress};
    my $options  = options(
        'Copy', %options,
        user     => text($options{user}),
        group    => text($options{group}),
        set_mode => defined $options{mode} ? 1                 : 0,
        host_fd  => ref $host              ? descriptor($host) : -1,
    );
    return $self->_operate($verb => $progress, @$paths, $options);
}

sub _with ($self, $verb, $type, %options) { return $self->_named($verb, $type, [], %options) }

# With arguments before the options.
sub _named ($self, $verb, $type, $args, %options) {
    my $progress = delete $options{progress};
    return $self->_operate($verb => $progress, @$args, options($type, %options));
}

sub _operate ($self, $verb, $progress, @args) {
    listening($progress, sub ($callbacks) { $self->_call($verb, @args, $callbacks) });
    return;
}

sub _call ($self, $name, @args) { return $self->_call_by(\&call, $name, @args) }

sub _json ($self, $name, @args) { return $self->_call_by(\&call_json, "${name}_json", @args) }

# By one of the ways that Pct::C has.
sub _call_by ($self, $way, $name, @args) {
    return $way->("pct_container_$name", $self->{node}->handle, $self->{vmid}, @args);
}

# Makes those of these options that are given strings for C.
sub _encode ($options, @names) {
    $_ = text($_) for grep { defined } @$options{@names};
    return;
}

1;

__END__

=encoding utf8

=head1 NAME

Pct::Container - one container

=head1 SYNOPSIS

    my $web = Pct->new->container(101);
    $web->start unless $web->is_running;
    $web->wait('ipv4', timeout => 60);

=head1 DESCRIPTION

Made by L<Pct/container>. Times are in seconds. C<progress> is explained at L<Pct/Progress>; all
methods that change something take it. Switches are on when they are not 0.

=head1 LIFE

=head2 create

    $container->create($template, { hostname => 'web' }, storage => 'local', start => 1);

Makes it from a template, a path or a volume. The configuration has the names and values of
C<pct create>. Options: C<storage>, C<password>, C<ssh_public_keys>, C<ignore_unpack_errors>,
C<start>. A failure leaves nothing behind.

=head2 destroy

Removes it and its volumes. Options: C<force> kills it first if it runs, C<purge> removes it from
jobs that name it, C<destroy_unreferenced_disks>.

=head2 start

Starts it. When it does not start, the error has the lines of liblxc's log that say why. Options:
C<debug>, C<skiplock>.

=head2 stop

Kills it. Option: C<skiplock>.

=head2 shutdown

Asks the guest to halt. It may take C<timeout> seconds, 60 if not given; then the call dies, or with
C<force_stop> kills it.

=head2 reboot

Halts the guest, kills it after C<timeout> seconds, 60 if not given, and starts it again.

=head2 suspend, resume

Writes the state of all processes to disk; goes on with it. Experimental.

=head2 unlock

Takes away the lock that an operation has left in the configuration.

=head2 wait

    $container->wait('ipv4', timeout => 60);

Waits until it is C<running>, C<stopped>, has an address (C<ipv4>, C<ipv6>), or its C<systemd> has
completed its boot. Dies when C<timeout> seconds are over; without it there is no end.

=head1 WHAT THERE IS

=head2 vmid

Its number.

=head2 is_running

Whether it runs.

=head2 status

Its state, its limits, and what it uses: a hash with C<vmid>, C<name>, C<status>, C<mem>, C<maxmem>,
C<uptime>, C<tags>, C<lock>, C<template> and others, in bytes and seconds.

=head2 config

    my $memory = $container->config->{memory};

The configuration with the changes that wait for the next start; without them with C<current>; that
of a snapshot with C<snapshot>. C<digest> is that of the file, C<lxc> has the raw lines as pairs.

=head2 pending

What waits for the next start: hashes with C<key>, C<value>, C<pending>, C<delete>.

=head2 snapshots

Hashes with C<name>, C<description>, C<parent>, C<snaptime>; the last one is C<current>.

=head2 interfaces

The network interfaces as they are inside, none when it is stopped: hashes with C<name>, C<hwaddr>,
C<inet>, C<inet6>, C<ip-addresses>.

=head2 doctor

What would make its next start fail or surprise, the gravest first: hashes with C<severity>,
C<code>, C<key>, C<message>, C<help>.

=head2 init_pidfd

A handle of its init, which select shows as readable when init has ended.

=head1 CHANGES

=head2 set

    $container->set({ memory => 1024 }, delete => ['cores'], digest => $digest);

Changes the configuration: all that is asked for, or nothing. C<delete> and C<revert> are lists of
keys, to delete and to drop the pending change of. With C<digest> nothing is changed when somebody
else has changed the file since.

=head2 rescan

Looks for its volumes; with C<dry_run> writes nothing.

=head2 repair

    say "$_->{found}: $_->{action}" for $container->repair(dry_run => 1);

Removes what a killed operation has left, or brings it to its end; with C<dry_run> only tells. Gives
a hash for each thing that was found, with C<kind>, C<found>, C<action>, C<outcome> (C<found>,
C<repaired>, C<failed> or C<yours>) and C<error>.

=head1 VOLUMES

Keys are C<rootfs>, C<mp0> and so on.

=head2 mount, unmount

    my $path = $container->mount;

Mounts its volumes where the host sees them, and gives where that is; until C<unmount> it can only be
started and stopped.

=head2 df

How full its volumes are, whether it runs or not: hashes with C<mp>, C<volume>, C<path>, and C<size>,
C<used> and C<avail> in bytes.

=head2 fsck

    $container->fsck('mp0', force => 1);

Checks the file system of a volume, of C<rootfs> if none is given, with C<force> also one that seems
clean. Dies when it had errors, also when they are corrected.

=head2 fstrim

Has its volumes give back to their storages what they do not use, with C<ignore_mountpoints> only the
root. Gives how many bytes that was.

=head2 resize

    $container->resize('rootfs', '+512M');

Makes a volume larger, to a size or by one, also while it runs. Option: C<digest>.

=head2 move_volume

    $container->move_volume('mp0', 'fast', delete => 1);

Moves a volume to another storage. It must be stopped. Where it was the volume stays as an unused
one, unless C<delete>. Options: C<digest>, C<bwlimit> in KiB a second.

=head2 reassign_volume

    $container->reassign_volume('mp0', $other, target_key => 'mp1');

Gives a volume to another container, or to this one by another key. Options: C<target_key>, the same
if not given, C<digest> and C<target_digest>.

=head1 SNAPSHOTS AND CLONES

=head2 snapshot

    $container->snapshot('before', description => 'before the upgrade');

Freezes its configuration and the content of its volumes under a name.

=head2 delete_snapshot

Removes a snapshot; with C<force> also when a storage cannot remove its part.

=head2 rollback

    $container->rollback('before', start => 1);

Goes back to a snapshot. A running container is killed; C<start> starts it then.

=head2 clone

    my $copy = $container->clone(102, full => 1, storage => 'fast', hostname => 'copy');

Makes a container that is as this one, or as it was at C<snapshot>, and gives its
L<Pct::Container>. With C<full> its volumes are copies, on C<storage>, made by at most C<bwlimit> KiB a
second; with C<< full => 0 >> they share the content of their origin, as those of a template do if
nothing is said. Other options: C<hostname>, C<description>. A failure leaves nothing behind.

=head2 template

Makes it a template for linked clones. There is no way back.

=head1 INSIDE

=head2 exec

    my $status = $container->exec(['apt-get', 'upgrade'], stdout => $log, stderr => $log);

Runs a command as root of the container, on the standard streams of this process or on the handles
C<stdin>, C<stdout>, C<stderr>. C<keep_env> gives it the environment of this process.

Gives its exit status, which is that of a shell: 126 or 127 when the command could not be executed,
128 + n when signal n has ended it, 255 when there was no way into the container.

=head2 output

    my $done = $container->output(['sh', '-s'], input => $script, timeout => 600);
    die $done->{stderr} if $done->{status} != 0;

Runs a command in the same way, and gives a hash with C<status>, C<stdout> and C<stderr>. C<input>
is what it finds on its standard input. It may take C<timeout> seconds, any time if not given, and
write C<limit> bytes to each of both outputs, 16 MiB if not given; after that it has got SIGTERM, and
the call dies of C<timeout> or C<too-much>. What it leaves in the background is not waited for.

=head2 push

    $container->push('/srv/app.conf', '/etc/app.conf', mode => 0640, group => 'app');

Copies a file of the host, or what can be read from a handle, into the running container. Options:
C<user>, C<group>, C<mode>, C<recursive>.

=head2 pull

Copies a file of the running container to a path of the host, or into a handle. The same options.

=cut
