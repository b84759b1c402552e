# coding: utf-8
"""refws: a WebSocket server and client to read beside RFC 6455.

This is the map, in reading order. A file imports only from its own part (protocol, endpoint,
course, check or commands) and from the parts above it, in check from nothing of endpoint. A door is
a folder that a first reader may pass by. Each file names its sections at its head; a section
without a document is one of RFC 6455, except in the comments of deflate/, where it is one of RFC
7692.

  protocol/  what the RFCs say: no socket, no thread, no clock
    errors.py              §7.1.7            a broken rule: section, what was seen, what expected
    authority.py           RFC 3986          host[:port], in a URI, in Host, in Origin
    frame.py               §5.2, §5.5        the header of a frame <-> values
    masking.py             §5.3              the XOR of a payload with its masking key
    message.py             §5.4, §5.6, §8.1  frames -> messages, UTF-8 checked as it arrives
    close.py               §5.5.1, §7.1      the body of a Close, the states of a connection
    close_codes.py         §7.4              the status codes of a Close
    http.py                RFC 9112          the heads of requests and responses, as values
    heads.py               RFC 9112          bytes -> the head of a request, line by line
    credentials.py         RFC 7617          user and password <-> the value of Authorization
    extensions.py          §9.1              the grammar of Sec-WebSocket-Extensions
    idn.py                 RFC 5891          a host name in Unicode -> ASCII, with xn--
    items.py               §4.1, §4.2.1      a numbered list of rules, as a table
    plain.py               RFC 9112          what is refused in any request, a handshake or not
    origin.py              §10.2             whether this server trusts a page
    subprotocols.py        §1.9, §4.1        the names of subprotocols that a program lists
    origin_form.py         RFC 6454          text -> origin; what a list of origins may have
    handshake.py           §4.2              a request -> 101, or the rules that it breaks
    deflate/  door: compressed messages
      negotiation.py       RFC 7692          offers -> agreed parameters
      codec.py             RFC 7692          a message <-> its compressed payload
    client/  door: what only a client needs
      uri.py               §3                ws:// and wss:// -> host, port and resource name
      handshake.py         §4.1              the request, and every check of the response
      mistakes.py          §4.2.2            a wrong Accept -> the well-known mistake that makes it
      advice.py            §4.1              a status that is not 101 -> what to do about it
      response.py          RFC 9112          the response, with its body if it is a refusal
      proxy.py             §4.1              CONNECT: a tunnel through an HTTP proxy
  endpoint/  threads and blocking sockets
    serve.py               §4.2              the arguments of serve -> a server that listens
    server.py              §4.2              the accept loop, a thread for each connection, the stop
    server_handshake.py    §4.2              the opening handshake: a request read and answered
    connection.py          §7                the public object: recv, send, ping, close
    reading.py             §5.5, §6.2        which thread reads; control frames while none receives
    receiving.py           §6.2              frames -> messages; control frames are answered
    sending.py             §6.1, §7.1        messages -> frames, one at a time; the closing state
    sending_at_once.py     §5.5              control frames that are sent without waiting
    turn.py                §5.4              a message in steps, and the ones that wait for it
    stream.py                                one blocking byte stream
    starting.py                              threads, started for a thread that must not wait
    reader.py                                the raw file under a stream's buffer
    addresses.py           §4.1              the IP address in the address of a socket
    readiness.py                             what the system says of a socket
    resuming.py            §6.2              reads that break off at a deadline, and go on there
    blocked_writes.py                        the deadline of a write that makes no progress
    timers.py                                the one timer thread
    heartbeat.py           §5.5.2            Pings on a schedule; the end of a silent peer
    pings.py               §5.5.3            the Pings that wait for their Pongs
    settings.py                              limits and times, with their only defaults
    arguments.py                             what serve and connect are given, checked
    exceptions.py                            what the methods of a connection raise
    kinds.py               §5.6              text as bytes, bytes as text, if a program asks
    observed.py                              what a connection offers to those who look on
    taps.py                                  functions that see every byte
    traces.py                                the taps that a connection gets
    admission.py           §4.1              the open connections, and the limits on their number
    basic_auth.py          RFC 7617          a process_request that wants a user and a password
    answers.py             RFC 9110          what every answer in HTTP says
    overload.py            RFC 9110          503 above a limit
    shortages.py                             what a server lacks, logged once until it is over
    log.py                 §7.1.7            log lines that no peer can forge
    listening.py                             listening sockets, TCP and Unix
    unix_listener.py                         a Unix socket's path: made once, removed by its maker
    waking.py                                how a signal or another thread ends a select
    processes.py           §4.1              what a child of os.fork may and may not do
    tls/  door: TLS
      stream.py            §10.6             the byte stream over TLS, for two threads at once
      engine.py            §10.6             one OpenSSL object between two memory buffers
      outgoing.py          §10.6             ciphertext on its way to the socket
      certificates.py      §10.6             TLS contexts from files; what to do about TLS errors
    client/  door: the client
      connect.py           §4.1              a URI -> an open connection
      environment.py       §4.1              which proxy the environment names for a URI
      resolving.py         §4.1              a name -> its addresses, before the deadline
      connecting.py        §4.1              one client at a time at an address, and TCP
      racing.py            RFC 8305          several addresses -> the first TCP connection
      shared_timers.py                       one timer thread for all clients
  raw_client.py            §7.1.7            a client that sends any bytes, to break rules
  interruption.py                            Ctrl-C in a command, from its first import on
  course/  what learners use: explanations, traces, tapes, the page
    services.py            §4.2.2            the example endpoints, such as /echo
    lesson.py                                a first lesson in seven steps
    explain/  bytes -> what they mean, bit by bit, and whether they are legal
      values.py            §4, §5            the values of an explanation
      header_fields.py     §5.2              the fields of a header, each with its meaning
      conversation.py      §5, RFC 7692      the bytes of a connection, cut anywhere
      direction.py         §5                what one side sends
      frames.py            §5.2              a frame while it arrives
      messages.py          §5.4, §8.1        the messages of one side
      pongs.py             §5.5.3            a Pong, compared with the Pings before it
      handshake.py         §4                each line of a head, and the Accept step by step
      hints/  door: well-known mistakes -> what they look like, and what to do
        evidence.py                          a frame that is not legal, and the bytes around it
        no_frames.py       §5.2              text, HTTP, TLS... where a frame should begin
        lengths.py         §5.2              a length in the wrong form
        counting.py        §5.2              a length in characters, or too small
        masks.py           §5.1, §5.3        no key, no mask, or a mask of the wrong side
        contents.py        §5.5.1, §5.6      a payload in another format
        interleaving.py    §5.4              frames and messages that are mixed
        heads.py           §4                what is no opening handshake
        find.py                              the hints, in their order
      as_json.py                             an explanation as JSON
    paste/  text that people paste -> the bytes that it means
      table.py                               the forms, in order of certainty
      source.py                              arguments, a file or standard input -> bytes
      text.py                                bytes of a file -> text, without what pasting adds
      markup.py                              HTML, Markdown, the characters of word processors
      prompts.py                             lines that were typed into a shell or a debugger
      prefixes.py                            what loggers put in front of each line
      hex_text.py                            plain hex, separated in any way
      dumps.py                               hex dumps: which tool, which bytes
      dump_lines.py                          their lines, held to their offsets and characters
      dump_context.py                        what tools print around them, and who speaks
      columns.py                             the column of characters
      od.py                                  dumps of od in characters and in decimal numbers
      packets.py             RFC 9293        dumps of whole packets -> what TCP carries
      numbers.py                             arrays, decimal and octal lists, binary digits
      indexed.py                             numbers with their indexes: consoles, debuggers, PHP
      printed.py                             bytes as Node, Java, Swift or JSON have them
      json_values.py                         JSON of tshark and of loggers
      net_export.py                          what Chrome logs of its connections
      erlang.py                              binaries of Erlang and Elixir
      strings.py                             literals and their escapes
      haskell.py                             strings of Haskell
      terms.py                               strings put together of characters
      encodings.py           RFC 4648        base64, percent escapes
      heads.py               RFC 9112        heads alone, and in the logs of clients
      devtools.py                            the header lines that DevTools lists
      copied.py                              the requests that it copies as commands of curl
      traces.py                              curl --trace, websocket-client, strace
      directions.py                          logs whose lines say who sends -> their parts
      wrapped.py                             quotes, brackets, labels and calls around digits
      no_bytes.py                            texts in place of bytes -> what to print instead
      senders.py                             two speakers -> which of them is the client
      plausible.py           §5.2            bytes -> how much they look like frames
      values.py                              the values of a reading
    text/  an explanation as text
      drawing.py           §5.2              a block under a bit ruler, or one line
      words.py             §5.2              frames, messages and verdicts in words
      style.py                               columns, colours, arrows, and labels beside a text
      ruler.py             §5.2              the bit ruler
      terminal.py                            what a terminal can show
      characters.py                          a peer's text as printable characters
    svg/  pictures for slides
      canvas.py                              boxes, lines and escaped text -> an SVG file
      frame_picture.py     §5.2              frames as in the figure of the RFC, filled in
      sequence.py                            connections in time: two lifelines, and arrows
    record/  connections as text, while they are open and afterwards
      narration.py         §5                the bytes of connections -> text for each frame
      live.py                                the same while connections are open
      diagnosis.py         §7.1.7            a connection -> the hint for its end
      output.py                              text -> a file that may be slow
      tape.py                                a record of connections: its format
      recorder.py                            connections -> a tape
      tape_reader.py                         a tape -> its entries, or the line that is wrong
      redaction.py         RFC 9110          heads without their secrets
      pcap.py              RFC 9293          a tape -> a file for Wireshark
      capture/  captures of networks -> the entries of a tape
        reader.py                            a capture -> its entries
        notes.py                             what could not be read, and what to do
        values.py                            a packet, a segment, and why there is none
        source.py                            a file that is read once, from start to end
        classic.py                           a pcap file -> packets
        pcapng.py                            a pcapng file -> packets
        links.py                             a packet of any network -> the IP packet in it
        segments.py        RFC 791, RFC 8200 an IP packet -> its TCP segment
        reassembly.py      RFC 9293          segments of one end -> its bytes in order, and gaps
        choosing.py        §4                first bytes -> whether it is a WebSocket connection
        connections.py     RFC 9293          segments -> the entries of WebSocket connections
      har.py                                 a HAR of DevTools -> messages, also as text
      recordings.py                          a file -> the reader of its format
      lanes.py                               a recording -> what a sequence diagram shows
    web/  the page
      site.py              RFC 9110          the files of the page, and its security headers
      lesson_page.py                         the lesson as a page
      own_bytes.py         §7.1.7            bytes that a page has built -> the server's answer
      pages.py                               which page a request belongs to
      refusals.py          §4.2.2            handshakes that were refused lately, and why
      wire_view.py         §1.2              a page's own connections, explained live
      budget.py                              processor time for the wire views of all pages
      connection_view.py   §1.5              one of them: bytes -> JSON
      message_starts.py    §5.2, §5.4        where a view goes on after bytes that are left out
      thinning.py                            how much of a flood a page is shown
      event_queue.py                         a bounded queue of events for a page
      watch_endpoint.py                      the WebSocket endpoint of the wire view
      commands.py                            the commands of a page, as a table
      lab.py               §5.5, §7.1        what each command does
      broken_rule.py       §7.1.7            a rule to break: what is sent, and the right answer
      violations.py        §7.1.7            the rules to break, as tables
    glass/  between any client and any server: bytes pass unchanged, and are explained
      head.py              §4.1              where a request goes; its Host and Origin, changed
      copies.py                              copies of what passes, for a thread that may be slow
      link.py                                two connections, joined: a thread for each direction
      target.py            §4.1              a new connection to the server
      client.py            §4.2              one client, from its first byte to its end
      forwarder.py         §1.2              the accept loop, a thread for each client, the stop
      story.py             §7.1.5, §7.1.7    which rule was broken first, and how it ended
      looking.py                             a thread that looks at copies, with its budget
      terminal.py          §5, §7            copies -> lines of a terminal
      taping.py                              copies -> a tape
      document.py                            the page of watch as HTML
      page.py              §10.2             its server, its token and its events
    labs/  attacks, each with its defence on a switch
      story.py                               the values of a lab: its steps, and what crossed
      cast.py                                its servers and clients, all ended with it
      site.py              RFC 9112          a few pages on a port
      browser.py           §4.1              what a browser sends, byte for byte
      talk.py              §5                a client that sends any bytes
      readings.py                            memory and delay, measured: values and bars
      gauge.py                               what measures them while an attack goes on
      neighbour.py                           good clients beside a hostile one
      first.py             §1.2, §10.2       a first example, and the 403 that comes first
      polling.py           §1.1              a chat over HTTP and over a WebSocket
      key.py               §1.3, §4          what Key and Accept are for
      fragments.py         §5.4              a message in several frames
      naive_cache.py       §10.3             a cache that takes all for HTTP, not to be copied
      poison.py            §10.3             what masking is for
      hijack.py            §10.2             what Origin is for
      heartbeat.py         §5.5.2            what Ping and Pong are for
      slow.py              §4.2, §10.4       handshakes that never end
      never_reading.py     §10.4             a client that does not read
      flood.py             §4.1, §10.4       one address that takes all places
      bomb.py              RFC 7692, §10.4   a few bytes that inflate to many
      guess.py             RFC 7692          a secret, found by lengths alone
      labs.py                                the table of labs
      wires.py             §5                what crossed in a step, as lines
      stage.py                               the labs that are played
      playing.py                             a page while a step is played
      pages.py                               the labs as pages, a step at a time
      serving.py                             the server for these pages
      texts/  all that a reader sees, a file for each language
        values.py                            what such a table has
        english.py                           in English
  check/  any endpoint, marked rule by rule
    case.py                                  a case: what is sent, and which outcomes are allowed
    opening.py             §4.1              the request of a case: a valid one, and what is changed
    outcomes.py                              what may be seen: predicates, each with its words
    seen.py                                  what was seen of the endpoint
    tables.py                                how rows of the tables of cases are built
    frames.py                                frames to send, legal and illegal
    groups/  the cases, a file for each group, in the order of a course
      opening.py           §4.2              the opening handshake: its answer, its packets
      request.py           §4.2.1            what a request must have, and must not have
      negotiation.py       §4.2.2, §9.1      subprotocols and extensions
      handshakes.py        §4.2.1            how the cases of an opening handshake are built
      framing.py           §5.1, §5.2, §5.3  the header of a frame, its mask and its length
      fragmentation.py     §5.4              messages in fragments
      utf8.py              §8.1, §5.6        text is UTF-8
      control.py           §5.5              Ping, Pong and Close as frames
      closing.py           §7                codes, reasons, the order of TCP
      deflate.py           RFC 7692          permessage-deflate
      deflate_offers.py    RFC 7692          the offers, and the answers that fit them
      deflate_payloads.py  RFC 7692          compressed payloads, legal and illegal
      deflate_blocks.py    RFC 7692          blocks of DEFLATE, made by zlib or by hand
      limits.py            §10.4             limits, and what takes time
      http.py              RFC 9110          HTTP around the opening handshake
    target.py                                the server under test
    link.py                                  one connection to it, with all that crosses it
    inflating.py           RFC 7692          what the endpoint compresses, held to its window
    reading.py                               bytes of the endpoint -> what was seen, judged strictly
    engine.py                                a case -> its result and its grade
    survey.py                                what a server can do, found out before the cases
    guard.py                                 whether the server has outlived a case
    clients/  the client under test
      groups/  its cases
        request.py         §4.1              its request
        answers.py         §4.1              what it makes of an answer, right or wrong
        frames.py          §5.1, §5.2        the header of a frame from a server
        messages.py        §5.4, §8.1        fragments, and text that is UTF-8 or not
        control.py         §5.5, §7          Ping and Pong, and closing
        masking.py         §5.3, §10.3       its masking keys
        deflate.py         RFC 7692          permessage-deflate, if it is offered
      listening.py                           where it connects, and for which case
      program.py                             a command that is started for each case
      request.py           §4.1              its bytes -> its request
      answer.py            §4.2.2            the answer: a valid 101, and what a case changes
      seen.py                                what was seen of it
      outcomes.py                            what a case allows it to do
      frames.py                              the frames of a server, legal and illegal
      serving.py           §4.2.2            one connection: a case answered, run and graded
      running.py                             all cases against one client
      mistakes.py                            a result of a client -> what to do
      echoes.py            §5                the same for an echo that is not what was sent
    runner.py                                a selection of cases -> a report
    autobahn.py                              a run of Autobahn's cases -> a group of a report
    mistakes/  a result -> the likely mistake, and what to do
      clues.py                               a result -> what a mistake is recognised by
      opening.py           §4.2.2            mistakes of the opening handshake
      messages.py          §5.4, §5.6        mistakes with messages that are legal
      control.py           §5.5, §7          mistakes with Ping, Pong and Close
      deflate.py           RFC 7692          mistakes of permessage-deflate
      table.py                               all of them, special ones before general ones
    course.py                                a course file -> points for the results
    report/  what is shown of a run
      progress.py                            the line of a terminal while it runs
      text.py                                a table by group, then each case that did not pass
      crossed.py           §5                the bytes of a case, as `explain` draws them
      as_json.py                             a report <-> JSON, with its format
      comparison.py                          two runs -> what has changed
      junit.py                               JUnit's XML, for CI systems
      markdown.py                            Markdown, for a page or an issue
      tapes.py                               each failed case as a tape for `replay`
      points.py                              the points of a course, and Gradescope's JSON
  commands/  python3 -m refws: a module for each command
    serve.py                                 the server: messages, signals
    serve_options.py                         its options
    explain.py             §5                bytes in any form, explained
    accept.py              §4.2.2            a key -> its Accept
    replay.py              §5                a tape explained again
    lesson.py                                the first lesson as text
    lab.py                                   a lab, step by step
    options.py                               errors, defaults and values of all command lines
    elsewhere.py                             options of other programs -> what to write here
    logins.py              RFC 7617          the file of --auth: a line user:password for each user
    tracing.py             §5                the options --trace and --record
    watch.py                                 a forwarding server that shows what passes
    connect/  the client for terminals and pipes
      command.py           §4.1              arguments -> a session
      options.py                             its options
      failures.py                            why no connection was opened, and what to do
      values.py                              texts of the options -> values
      advice.py                              advice for programs, in the words of options
      lines.py             §5.5, §5.6, §7.1  a typed line -> what to send
      display.py           §7.4              what arrives -> lines that no peer can forge
      output.py            §5.6              what arrives -> lines for programs, or JSON, or bytes
      json_text.py         RFC 8259          JSON -> a line for each member
      history.py                             the lines that were typed in earlier sessions
      session.py           §5.5, §5.6, §7.1  the two threads of a session
      reconnecting.py      §7.2.3            a lost connection -> another one, after a delay
      resolve.py           §4.1              --resolve: an address for the URI's host
    check/  the command for servers and clients under test
      command.py                             arguments -> a run, its reports, the exit status
      options.py                             its options
      listen.py                              where a client under test connects
      files.py                               the files of a run: reports, points, tapes
      autobahn.py                            Autobahn's cases, run by conformance/autobahn.py
      problems.py                            why a server cannot be checked, and what to do
  __main__.py                                the first word of a command line -> its command

The names below are the public ones. Where the `websockets` library has the same thing, its name is
the same here.
"""

import sys

__version__ = "0.1.0"

if sys.version_info < (3, 11):  # Older ones, from 2.7 on, must be able to read this file.
    needs = "refws needs Python 3.11 or newer; this is Python {} ({}): start it with a newer one"
    message = needs.format(sys.version.split()[0], sys.executable)
    if sys.argv[0] == ("-m" if sys.version_info >= (3,) else "-c"):  # `python -m` is looking for it
        sys.exit(message)
    raise ImportError(message)

from .interruption import end_at_once, is_command

if is_command(sys.argv, sys.orig_argv):  # before the imports, which take a while
    end_at_once()

from .endpoint.basic_auth import basic_auth
from .endpoint.client.connect import ClientConnection, connect, unix_connect
from .endpoint.connection import Connection
from .endpoint.exceptions import (
    ConcurrencyError,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidState,
)
from .endpoint.serve import serve, unix_serve
from .endpoint.server import Server
from .endpoint.server_handshake import ServerConnection
from .protocol.client.handshake import InvalidResponse, InvalidStatus
from .protocol.client.proxy import ProxyError
from .protocol.client.uri import InvalidURI
from .protocol.close import Close, State
from .protocol.close_codes import CloseCode
from .protocol.deflate.negotiation import DeflateSettings
from .protocol.errors import HandshakeError, InvalidHandshake, WebSocketException
from .protocol.frame import Side
from .protocol.heads import IncompleteHead
from .protocol.http import Headers, Request, Response

__all__ = [
    "ClientConnection",
    "Close",
    "CloseCode",
    "ConcurrencyError",
    "Connection",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "DeflateSettings",
    "HandshakeError",
    "Headers",
    "IncompleteHead",
    "InvalidHandshake",
    "InvalidResponse",
    "InvalidState",
    "InvalidStatus",
    "InvalidURI",
    "ProxyError",
    "Request",
    "Response",
    "Server",
    "ServerConnection",
    "Side",
    "State",
    "WebSocketException",
    "basic_auth",
    "connect",
    "serve",
    "unix_connect",
    "unix_serve",
]
