package Pct::Events;

use v5.36;

use Pct::C qw(call owned plain);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

sub new ($class, $ctx) {
    my $self = bless { events => owned('pct_events_free') }, $class;
    call(pct_events_new => $ctx, \$self->{events}{pointer});
    return $self;
}

sub fileno ($self) { return plain(pct_events_fd => $self->{events}{pointer}) }

sub next ($self, $timeout = undef) {
    my $end = defined $timeout ? clock_gettime(CLOCK_MONOTONIC) + $timeout : undef;
    vec(my $watched = '', $self->fileno, 1) = 1;
    while (1) {
        call(pct_events_next => $self->{events}{pointer}, \my $vmid, \my $state);
        return ($vmid, $state) if defined $state;
        my $left = defined $end ? $end - clock_gettime(CLOCK_MONOTONIC) : undef;
        return if defined $left && $left <= 0;
        select(my $ready = $watched, undef, undef, $left);
    }
}

1;

__END__

=encoding utf8

=head1 NAME

Pct::Events - containers that start and stop, as it happens

=head1 SYNOPSIS

    my $events = Pct->new->events;
    while (my ($vmid, $state) = $events->next(60)) {
        say "$vmid is $state";
    }

=head1 DESCRIPTION

The changes of state of all containers of a host since this was made, by L<Pct/events>.

=head1 METHODS

=head2 next

The next change: the number of the container, and the state that it is in now. None when none has
come in so many seconds; without a number it waits without end. The states are

=over

=item running

Its init runs. Told again for one that has rebooted.

=item stopped

It is there, and nothing of it runs.

=item gone

There is none of this number any more.

=back

=head2 fileno

A file descriptor, for programs that wait for other things, too. It is readable when there may be a
change; then C<next(0)> has to be called until it gives none.

=cut
