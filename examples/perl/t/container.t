#!/usr/bin/perl
# A real container, from its template to its end.

use v5.36;
use utf8;

use File::Find qw(find);
use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use PctTest;
use Test::More;

sub content ($path) {
    open my $file, '<:raw', $path or die "cannot read $path: $!\n";
    local $/;
    return scalar <$file>;
}

my $before = descriptors;
my %heard;
my $ct = new_container({ hostname => 'perl' }, progress => sub ($event, @values) { $heard{$event}++ });

# From here on whatever happens: the container goes.
my $complete = eval {
    ok $heard{message}, 'create says what it does';
    is_deeply [map { $_->vmid } $NODE->containers], [$VMID], 'it is there';
    dies_as 'exists', sub { $ct->create($ENV{PCT_TEST_TEMPLATE}) }, 'its number is taken';

    $ct->set({ memory => 256, onboot => 1, description => 'naïve' });
    my $config = $ct->config;
    is $config->{memory}, 256, 'a number';
    like $config->{description}, qr/^naïve\s*$/, 'a text';
    $ct->set({}, delete => ['onboot'], digest => $config->{digest});
    ok !exists $ct->config->{onboot}, 'a key is deleted';
    dies_as 'refused', sub { $ct->set({ memory => 512 }, digest => $config->{digest}) }, 'an old digest';
    my $wrong = dies_as 'parameter', sub { $ct->set({ memory => 'much' }) }, 'a wrong value';
    like $wrong, qr/memory/, 'which value';
    is_deeply [map { $_->{name} } $ct->snapshots], ['current'], 'no snapshots';

    dies_as 'not-running', sub { $ct->exec(['true']) }, 'nothing runs in a stopped container';
    my $events = $NODE->events;
    is_deeply [$events->next(0)], [], 'nothing has happened';
    $ct->start;
    is_deeply [$events->next], [$VMID, 'running'], 'a start is an event';
    $ct->wait('running', timeout => 10);
    ok $ct->is_running, 'it runs';
    is $ct->status->{status}, 'running', 'its status says so';
    is_deeply [map { $_->{name} } $ct->interfaces], ['lo'], 'its interfaces';
    dies_as 'timeout', sub { $ct->wait('stopped', timeout => 0) }, 'a wait that is too long';
    $ct->set({ tty => 3 });
    is_deeply [map { $_->{pending} // () } $ct->pending], [3], 'a change that waits';
    ok !exists $ct->config(current => 1)->{tty}, 'it is not in force';
    $ct->set({}, revert => ['tty']);
    is_deeply [map { $_->{pending} // () } $ct->pending], [], 'and is dropped';

    is_deeply $ct->output(['hostname']), { status => 0, stdout => "perl\n", stderr => '' }, 'a command';
    my $script = 'cat; echo err >&2; exit 3';
    is_deeply $ct->output(['sh', '-c', $script], input => "\0\xff"),
        { status => 3, stdout => "\0\xff", stderr => "err\n" }, 'input, both outputs, status';
    is $ct->output(['cat'])->{stdout}, '', 'an empty input';
    is $ct->output(['no such command'])->{status}, 127, 'no such command';
    my $much = 'x' x 1_000_000;
    is_deeply $ct->output(['sh', '-c', 'cat /dev/stdin | tee /dev/stderr'], input => $much),
        { status => 0, stdout => $much, stderr => $much }, 'much output';
    dies_as 'too-much', sub { $ct->output(['cat'], input => $much, limit => 999_999) }, 'too much of it';
    is $ct->output(['sh', '-c', 'sleep 60 & echo started'], timeout => 30)->{stdout}, "started\n",
        'nothing in the background holds a command up';
    dies_as 'timeout', sub { $ct->output(['sleep', '71'], timeout => 1) }, 'a command that takes too long';
    unlike $ct->output(['ps'])->{stdout}, qr/sleep 71/, 'is ended';

    my $folder = tempdir(CLEANUP => 1);
    open my $out, '>', "$folder/out" or die "cannot write: $!\n";
    is $ct->exec(['sh', '-c', 'echo to a file; exit 3'], stdout => $out), 3, 'a command on a handle';
    is content("$folder/out"), "to a file\n", 'which has the output';
    close $out;
    $ct->push("$folder/out", '/root/file', mode => 0640);
    is $ct->output(['stat', '-c', '%a %U', '/root/file'])->{stdout}, "640 root\n", 'a file goes in';
    $ct->pull('/root/file', "$folder/back");
    is content("$folder/back"), "to a file\n", 'and comes out';
    open my $stream, '>', "$folder/stream" or die "cannot write: $!\n";
    $ct->pull('/root/file', $stream);
    is content("$folder/stream"), "to a file\n", 'also into a handle';
    close $stream;

    $ct->output(['sh', '-c', 'until test -e /run/booted; do sleep 0.1; done'], timeout => 30);
    $ct->reboot;
    ok $ct->is_running, 'it has come again';
    my $init = $ct->init_pidfd;
    $ct->stop;
    my @last;
    while (my @event = $events->next(0.1)) { @last = @event }
    is_deeply \@last, [$VMID, 'stopped'], 'a stop is an event';
    vec(my $bits = '', fileno $init, 1) = 1;
    is select($bits, undef, undef, 10), 1, 'its init has ended';
    ok !$ct->is_running, 'it is stopped';
    1;
};
my $error = $@;
$ct->destroy(force => 1);
is $error, '', 'all that was to be tried';
is_deeply [$NODE->list], [], 'it is gone';

# All but the locks, which stay.
sub files () {
    my @files;
    find({ no_chdir => 1, wanted => sub { push @files, $_ unless m{/lock(?:/|$)} } }, $ROOT);
    return [sort @files];
}

my $files = files;
for my $kind (qw(message bytes)) {
    eval { new_container({}, progress => sub ($event, @) { die "enough\n" if $event eq $kind }) };
    is $@, "enough\n", "what the callback $kind died of comes out of a create";
    is_deeply files, $files, 'which leaves nothing';
}

is descriptors, $before, 'no descriptor is left';
done_testing;
