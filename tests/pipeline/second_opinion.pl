# What Mail::DKIM says of a message, or makes of it, on standard input.
#   second_opinion.pl verify PORT          the result of each DKIM signature, and of the ARC chain, a line each
#   second_opinion.pl sign KEY             a DKIM-Signature of d=example.com, s=s1
#   second_opinion.pl seal KEY AUTHSERV-ID a set of ARC fields, d=example.com, s=s1
use strict;
use warnings;
use Mail::DKIM::ARC::Signer;
use Mail::DKIM::ARC::Verifier;
use Mail::DKIM::DNS;
use Mail::DKIM::PrivateKey;
use Mail::DKIM::Signer;
use Mail::DKIM::Verifier;
use Net::DNS::Resolver;

my ($act, $argument, $authserv_id) = @ARGV;
binmode STDIN;
my $message = do { local $/; <STDIN> };

sub feed {
    my ($engine) = @_;
    $engine->PRINT($message);
    $engine->CLOSE;
    return $engine;
}

if ($act eq 'verify') {
    Mail::DKIM::DNS::resolver(
        Net::DNS::Resolver->new(nameservers => ['127.0.0.1'], port => $argument, udp_timeout => 5, retry => 1));
    my $dkim = feed(Mail::DKIM::Verifier->new);
    print $_->algorithm, ' ', $_->result, "\n" for $dkim->signatures;
    print 'arc ', feed(Mail::DKIM::ARC::Verifier->new)->result, "\n";
} elsif ($act eq 'sign') {
    my $key = Mail::DKIM::PrivateKey->load(File => $argument);
    my $signer = feed(Mail::DKIM::Signer->new(
        Algorithm => 'rsa-sha256', Method => 'relaxed/simple', Domain => 'example.com', Selector => 's1', Key => $key));
    print $signer->signature->as_string, "\r\n";
} elsif ($act eq 'seal') {
    my $key = Mail::DKIM::PrivateKey->load(File => $argument);
    my $sealer = feed(Mail::DKIM::ARC::Signer->new(
        Algorithm => 'rsa-sha256', Domain => 'example.com', SrvId => $authserv_id, Selector => 's1', Key => $key,
        Chain => 'ar', Timestamp => 1700000000));
    die $sealer->{details} || $sealer->{result} unless $sealer->{result} eq 'sealed';
    print join("\r\n", $sealer->as_strings), "\r\n";
}
