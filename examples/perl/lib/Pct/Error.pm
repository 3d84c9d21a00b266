package Pct::Error;

use v5.36;

use overload
    '""'     => sub ($self, @) { $self->message . "\n" },
    bool     => sub { 1 },
    fallback => 1;

sub new ($class, %self) { return bless {%self}, $class }

sub message ($self) { return $self->{message} }
sub status  ($self) { return $self->{status} }
sub kind    ($self) { return $self->{kind} }
sub vmid    ($self) { return $self->{vmid} }
sub errno   ($self) { return $self->{errno} }

1;

__END__

=encoding utf8

=head1 NAME

Pct::Error - why a call of Pct failed

=head1 SYNOPSIS

    unless (eval { $container->start; 1 }) {
        my $error = $@;
        die $error unless ref $error && $error->isa('Pct::Error');
        warn $error unless $error->kind eq 'running';
    }

=head1 DESCRIPTION

Every call of L<Pct> and L<Pct::Container> that fails dies with such an object. As a string it is
its message and a line feed, so that a script that does not catch it says why it ends.

=head1 METHODS

=head2 message

What was attempted, on what, why it failed and, where that is known, what to do.

=head2 status

The number of the error, one of the PCT_E_* of F<pct.h>. A number never changes its meaning; the
hundreds say what kind it is of: 1 the call itself, 2 what it names or gives, 3 the state of the
container, 4 the operation, 5 the host.

=head2 kind

The same as a word: C<parameter>, C<not-found>, C<exists>, C<locked>, C<not-running>, C<running>,
C<refused>, C<start>, C<stop>, C<timeout>, C<too-much>, C<helper>, C<unsupported>, C<system> and others.

=head2 vmid

The number of the container that it was about, or undef.

=head2 errno

That of the system call at the bottom of it, or undef.

=cut
