package Pct::Exec;

use v5.36;

use Carp qw(croak);
use Fcntl qw(SEEK_SET);
use IO::Handle ();
use IO::Select ();
use Pct::C qw(options);
use Pct::Error;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

our @CARP_NOT = qw(Pct::Container);

# How many seconds a command may take to end when it has been asked to.
my $GRACE = 5;

# Runs a command to its end, and takes its output meanwhile. $spawn starts it with the streams that
# it is given, and gives a child of this process and its pidfd.
sub run ($spawn, %options) {
    my ($input, $stdin, $stdout, $stderr, $keep_env, $timeout) =
        delete @options{qw(input stdin stdout stderr keep_env timeout)};
    croak "unknown option '$_'" for keys %options;
    $stdin //= _input($input // '');
    my (%output, %reader);
    ($stdout, $reader{stdout}) = _pipe() unless $stdout;
    ($stderr, $reader{stderr}) = _pipe() unless $stderr;
    my ($pid, $pidfd) = $spawn->(
        options(
            'Exec',
            keep_env  => $keep_env,
            stdin_fd  => fileno $stdin,
            stdout_fd => fileno $stdout,
            stderr_fd => fileno $stderr,
        )
    );
    undef $_ for $stdin, $stdout, $stderr;
    open my $process, '<&=', $pidfd or die "cannot use descriptor $pidfd: $!\n";

    my $done   = eval { _collect($process, \%reader, \%output, $timeout); 1 };
    my $error  = $@;
    my $status = _end($pid, $process);
    die $error unless $done;
    return { status => $status, %output };
}

# Reads until the process has ended; not longer, because something that it has left behind may hold
# its output open.
sub _collect ($process, $reader, $output, $timeout) {
    my $end    = defined $timeout ? clock_gettime(CLOCK_MONOTONIC) + $timeout : undef;
    my %name   = map { fileno $reader->{$_} => $_ } keys %$reader;
    my $select = IO::Select->new($process, values %$reader);
    $output->{$_} = '' for keys %$reader;
    for (my $ended = 0; !$ended;) {
        my $left = defined $end ? $end - clock_gettime(CLOCK_MONOTONIC) : undef;
        die Pct::Error->new(
            status  => 403,
            kind    => 'timeout',
            message => "the command has not ended in $timeout s"
        ) if defined $left && $left <= 0;
        for my $handle ($select->can_read($left)) {
            if ($handle == $process) { $ended = 1 }
            elsif (!_read($handle, \$output->{ $name{ fileno $handle } })) { $select->remove($handle) }
        }
    }
    _read($reader->{$_}, \$output->{$_}) for keys %$reader;
    return;
}

# Takes what is there, which is less than that; whether more may come.
sub _read ($handle, $into) {
    my $count = sysread $handle, $$into, 1 << 20, length $$into;
    return defined $count ? $count : $!{EAGAIN} || $!{EINTR};
}

# Ends the process if it still runs; its exit status.
sub _end ($pid, $process) {
    my $select = IO::Select->new($process);
    if (!$select->can_read(0)) {
        kill TERM => $pid;
        kill KILL => $pid unless $select->can_read($GRACE);
    }
    local $?;
    waitpid($pid, 0) == $pid or die "the end of a command was taken by another waitpid of this program\n";
    return $? & 127 ? 128 + ($? & 127) : $? >> 8;
}

# What a command finds on its standard input: a file without a name, which needs nobody to fill it.
# Commands open /dev/stdin and /dev/stderr: that asks for the permissions of what is there, and root
# of the container is not root here. Nobody else gets at it.
sub _input ($content) {
    open my $file, '+>:raw', undef or die "cannot make a temporary file: $!\n";
    chmod 0644, $file or die "cannot change the mode of a temporary file: $!\n";
    print {$file} $content;
    $file->flush && sysseek $file, 0, SEEK_SET or die "cannot write a temporary file: $!\n";
    return $file;
}

sub _pipe () {
    pipe my $reader, my $writer or die "cannot make a pipe: $!\n";
    $reader->blocking(0);
    chmod 0622, $writer or die "cannot change the mode of a pipe: $!\n";
    return ($writer, $reader);
}

1;

__END__

=encoding utf8

=head1 NAME

Pct::Exec - the streams of a command inside a container

=head1 DESCRIPTION

The part of L<Pct::Container/exec> that feeds a command and takes its output.

=cut
