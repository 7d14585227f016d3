# An SMSC by Net::SMPP, with texts coded by Perl's own Encode: an implementation that shares no line with ours.
# It connects to the control port given as its argument, takes commands and tells what happens, one JSON object a line.
#
#   { "do": "mo", "from", "to", "text", "header": "udh8" | "udh16" | "sar", "reference" }   a handset sends a text
#   { "do": "throttle", "count" }   the next submits are refused with ESME_RTHROTTLED
#   { "do": "dropAfter", "count" }  after so many more answers the next submit breaks its connection
#   { "do": "enquire" } { "do": "unbind" }   on every connection
use strict;
use warnings;
use Encode qw(encode decode);
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use Net::SMPP;
use Socket qw(IPPROTO_TCP TCP_NODELAY);

$SIG{PIPE} = 'IGNORE';
my $json = JSON::PP->new->utf8->canonical;
my $control = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $ARGV[0]) or die "no control port: $!";
my $listener = Net::SMPP->new_listen('127.0.0.1', port => 0, smpp_version => 0x34, listen => 16) or die "cannot listen: $!";
my $select = IO::Select->new($control, $listener);

my %clients;    # by file number: { smpp, role, system_id }
my %texts;      # unfinished long messages
my ($throttle, $drop_after, $last_id, $next_seq) = (0, undef, 1000, 1);
my $commands = '';

sub report { my %event = @_; $control->syswrite($json->encode(\%event) . "\n") }

report(event => 'listening', port => $listener->sockport);

while (1) {
    for my $ready ($select->can_read) {
        if ($ready == $control) { read_commands() }
        elsif ($ready == $listener) { admit() }
        else { read_client($clients{ fileno $ready }) }
    }
}

sub admit {
    my $smpp = $listener->accept or return;
    setsockopt($smpp, IPPROTO_TCP, TCP_NODELAY, 1);
    $clients{ fileno $smpp } = { smpp => $smpp };
    $select->add($smpp);
}

sub forget {
    my ($client) = @_;
    delete $clients{ fileno $client->{smpp} };
    $select->remove($client->{smpp});
    close $client->{smpp};
    report(event => 'closed');
}

sub read_commands {
    my $read = $control->sysread($commands, 65536, length $commands);
    exit 0 unless $read;
    while ($commands =~ s/^(.*)\n//) {
        my $command = $json->decode($1);
        if ($command->{do} eq 'mo') { handset_sends($command) }
        elsif ($command->{do} eq 'throttle') { $throttle = $command->{count} }
        elsif ($command->{do} eq 'dropAfter') { $drop_after = $command->{count} }
        elsif ($command->{do} eq 'enquire') { $_->{smpp}->enquire_link(async => 1, seq => $next_seq++) for values %clients }
        elsif ($command->{do} eq 'unbind') { $_->{smpp}->unbind(async => 1, seq => $next_seq++) for values %clients }
    }
}

sub read_client {
    my ($client) = @_;
    local $SIG{__WARN__} = sub { };    # it warns of an end of file
    my $pdu = $client->{smpp}->read_pdu or return forget($client);
    my $command = $pdu->explain_cmd;
    my %reply = (seq => $pdu->{seq});
    if ($command =~ /^bind_(\w+?)$/) {
        ($client->{role}, $client->{system_id}) = ($1, $pdu->{system_id});
        my $answer = "${command}_resp";
        my $status = $pdu->{password} eq 'secret' ? 0 : 0x0e;
        $client->{smpp}->$answer(%reply, system_id => 'perl', status => $status);
        report(event => 'bind', role => $1, version => $pdu->{interface_version}, status => $status);
    }
    elsif ($command eq 'submit_sm') { on_submit($client, $pdu) }
    elsif ($command eq 'enquire_link') {
        $client->{smpp}->enquire_link_resp(%reply);
        report(event => 'enquire_link');
    }
    elsif ($command eq 'unbind') {
        $client->{smpp}->unbind_resp(%reply);
        report(event => 'unbind');
    }
    elsif ($command eq 'unbind_resp') { forget($client) }
    else { report(event => $command, status => $pdu->{status}, seq => $pdu->{seq}) }
}

sub on_submit {
    my ($client, $pdu) = @_;
    my $data = length $pdu->{short_message} ? $pdu->{short_message} : $pdu->{message_payload} // '';
    report(event => 'submit', hex => unpack('H*', $data), throttled => $throttle > 0 ? JSON::PP::true : JSON::PP::false);
    if (defined $drop_after && $drop_after-- == 0) {
        undef $drop_after;
        return forget($client);
    }
    if ($throttle > 0) {
        $throttle--;
        return $client->{smpp}->submit_sm_resp(seq => $pdu->{seq}, message_id => '', status => 0x58);
    }
    my $id = sprintf '%010d', ++$last_id;
    $client->{smpp}->submit_sm_resp(seq => $pdu->{seq}, message_id => $id);
    collect($pdu, $data);
    send_receipt($client, $pdu, $id) if $pdu->{registered_delivery};
}

# Puts the parts of a text together, and tells it when it is whole.
sub collect {
    my ($pdu, $data) = @_;
    my ($reference, $total, $index) = (0, 1, 1);
    if ($pdu->{esm_class} & 0x40) {
        my $udh = substr $data, 0, 1 + ord $data, '';
        if ($udh =~ /^\x05\x00\x03(.)(.)(.)$/s) { ($reference, $total, $index) = map { ord } $1, $2, $3 }
        elsif ($udh =~ /^\x06\x08\x04(..)(.)(.)$/s) { ($reference, $total, $index) = (unpack('n', $1), ord $2, ord $3) }
        else { die 'a header that is none' }
    }
    elsif (defined $pdu->{sar_msg_ref_num}) {
        $reference = unpack 'n', $pdu->{sar_msg_ref_num};
        ($total, $index) = map { unpack 'C', $pdu->{$_} } 'sar_total_segments', 'sar_segment_seqnum';
    }
    my $key = "$pdu->{source_addr} $pdu->{destination_addr} $reference $total";
    $texts{$key}{$index} = $data;
    return if keys %{ $texts{$key} } < $total;
    my $parts = delete $texts{$key};
    my $whole = join '', map { $parts->{$_} } 1 .. $total;
    report(
        event => 'text', text => decode(encoding($pdu->{data_coding}), $whole),
        from => "$pdu->{source_addr_ton}/$pdu->{source_addr_npi}/$pdu->{source_addr}",
        to => "$pdu->{dest_addr_ton}/$pdu->{dest_addr_npi}/$pdu->{destination_addr}",
        data_coding => $pdu->{data_coding}, parts => $total,
    );
}

sub encoding { ({ 0 => 'gsm0338', 3 => 'iso-8859-1', 8 => 'UTF-16BE' })->{ $_[0] } // die "data_coding $_[0]" }

# Receipts with an even id come as text, the others as parameters.
sub send_receipt {
    my ($client, $pdu, $id) = @_;
    my ($to) = grep { $_->{system_id} eq $client->{system_id} && $_->{role} ne 'transmitter' } values %clients;
    return unless $to;
    my %how = $id % 2 == 0
        ? (short_message => "id:$id sub:001 dlvrd:001 submit date:2401240906 done date:2401240907 stat:DELIVRD err:000 text:")
        : (short_message => '', receipted_message_id => "$id\0", message_state => pack('C', 2));
    deliver($to, from => $pdu->{destination_addr}, to => $pdu->{source_addr}, esm_class => 4, data_coding => 0, %how);
}

sub deliver {
    my ($client, %message) = @_;
    my ($from, $to) = delete @message{qw(from to)};
    my $seq = $next_seq++;
    $client->{smpp}->deliver_sm(
        async => 1, seq => $seq, source_addr_ton => 1, source_addr_npi => 1, source_addr => $from,
        dest_addr_ton => 1, dest_addr_npi => 1, destination_addr => $to, %message,
    );
    return $seq;
}

sub handset_sends {
    my ($command) = @_;
    my ($client) = grep { defined $_->{role} && $_->{role} ne 'transmitter' } values %clients;
    my $text = $command->{text};
    my $gsm = eval { encode('gsm0338', my $copy = $text, Encode::FB_CROAK) };
    my $bytes = $gsm // encode('UTF-16BE', $text);
    my $size = $command->{header} eq 'udh8' ? 134 : 132;    # cuts pairs without a thought, as handsets do
    my @parts = length $bytes <= 140 ? ($bytes) : unpack "(a$size)*", $bytes;
    my @seq;
    for my $index (1 .. @parts) {
        my %part = (esm_class => 0, short_message => $parts[ $index - 1 ]);
        if (@parts > 1 && $command->{header} eq 'sar') {
            %part = (
                %part, sar_msg_ref_num => pack('n', $command->{reference}),
                sar_total_segments => pack('C', scalar @parts), sar_segment_seqnum => pack('C', $index),
            );
        }
        elsif (@parts > 1) {
            my $place = pack 'CC', scalar @parts, $index;
            my $udh = $command->{header} eq 'udh8'
                ? "\x05\x00\x03" . pack('C', $command->{reference} & 0xff) . $place
                : "\x06\x08\x04" . pack('n', $command->{reference}) . $place;
            %part = (esm_class => 0x40, short_message => $udh . $part{short_message});
        }
        push @seq, deliver($client, from => $command->{from}, to => $command->{to}, data_coding => defined $gsm ? 0 : 8, %part);
    }
    report(event => 'sent', seq => \@seq);
}
