"""The texts of the labs in English: a lab's name -> its texts, a step's name -> its story."""

from __future__ import annotations

import errno

from .values import ANY, LabText, Language, StepText, Words

WORDS = Words(
    warning="This is an attack made for learning: all of it happens on this machine only.",
    switch="The defence",
    as_expected="as expected",
    not_as_expected="NOT as expected",
    failed=(
        "The lab could not go on: {error}. Run it again; if it stops here again, please report it."
    ),
    remedies={
        errno.EMFILE: (
            "The lab needs more open files than a program may have here: raise the limit with "
            "ulimit -n 256, and run it again."
        ),
        errno.EADDRNOTAVAIL: (
            "The lab needs a second address of this machine, 127.0.0.2. On macOS this adds it: "
            "sudo ifconfig lo0 alias 127.0.0.2. Then run the lab again."
        ),
    },
    press_enter="Enter goes on, Ctrl-C ends the lab.",
    no_more_input="The input has ended: the lab goes on without waiting.",
    stays="The servers stay: try it in a browser. Ctrl-C ends them. Their log:",
    log="The server's log. Load this page again to see what is new.",
    all_came_out="Every step came out as the switch says.",
    some_did_not="Steps that did not come out as the switch says: {count}.",
    addresses_ended=(
        "The addresses in the steps have ended with the lab. With --step it waits after each step, "
        "so that you can open them in a browser."
    ),
    other_settings="The other settings of the switch:",
    all_labs="All labs",
    minutes="minutes",
    play="play it",
    see="see its steps",
    play_again="play it again",
    servers_ended="Its servers have ended, because another setting or lab was started:",
    next="Next step",
    side_by_side="All settings side by side",
    line_by_line="line by line",
    bars="Each # is twice as much as the one before; > means: no answer yet.",
    going_on="This step goes on ...",
)

FIRST = LabText(
    title="A first WebSocket, from a page to a server",
    seen="The example of many articles, and the 403 that a newcomer meets first.",
    switch={
        "listed": "after a first try the server lists the origin of the page",
        "unlisted": "the server takes the pages of its own address only, which is the default",
    },
    steps={
        "refused": StepText(
            title="The page opens a WebSocket, and is refused",
            story=(
                "The page is at {page}/, and its script says new WebSocket('{server}'). Another "
                "port is another origin (RFC 6454), so for the server this is a page of somebody "
                "else."
            ),
            outcome={
                ANY: (
                    "403, and a sentence that says which option to start the server with. A "
                    "browser shows only that the connection failed; the server's log says why."
                ),
            },
        ),
        "open": StepText(
            title="The server lists the origin of the page",
            story=(
                "The server is started again, with --origin {page}. Now the page sends the same "
                "request. (The servers stay after the last step: open the page in a browser to "
                "see it yourself.)"
            ),
            outcome={
                ANY: (
                    "101: the server lists this origin. It has made the Accept of the key, and "
                    "anybody can: python3 -m refws accept {key}"
                ),
            },
        ),
        "talk": StepText(
            title="Both sides say something",
            story=(
                'The server sends "world". The script gets it in onmessage, and in onopen it has '
                'sent "hello", which the server logs. Each frame is a line: its type, its flags, '
                "its length, its text, and whether it breaks a rule (§5.2)."
            ),
            outcome={
                ANY: "Both messages arrive: each is one frame, and only the client's is masked.",
            },
        ),
    },
    lesson=(
        "Four things make a first WebSocket: a page that opens it, a server that trusts the "
        "page's origin, and an event on each side for what arrives. If it does not open, the "
        "server's log says which rule the request breaks. How it goes on: a message in fragments "
        "is the lab fragments, and a dialogue at /dialogue of python3 -m refws; the Pings and "
        "Pongs are the lab heartbeat."
    ),
)

POLLING = LabText(
    title="The same chat over HTTP and over a WebSocket",
    seen="Polling, long polling, Server-Sent Events and a WebSocket: bytes and delay of each.",
    switch={
        "on": "this lab has no switch",
    },
    steps={
        "polling": StepText(
            title="Polling",
            story=(
                "The client asks every {interval} s whether there is something new: {empty} "
                "answers are empty, and a line waits until the next question. What the client says "
                "itself takes a request each time, here and in the next two."
            ),
            outcome={
                ANY: "{figures}",
            },
        ),
        "long polling": StepText(
            title="Long polling",
            story=(
                "The client asks, and the server answers when there is something new. No line "
                "waits, but each takes a request and a response, with their heads."
            ),
            outcome={
                ANY: "{figures}",
            },
        ),
        "events": StepText(
            title="Server-Sent Events",
            story=(
                "The client asks once, and the answer does not end: each line is two lines of "
                "text. That is for one direction only."
            ),
            outcome={
                ANY: "{figures}",
            },
        ),
        "websocket": StepText(
            title="WebSocket",
            story=(
                "The client asks once. Then each side sends frames when it likes: 2 bytes before "
                "a short line of the server, 6 before one of the client."
            ),
            outcome={
                ANY: "{figures}",
            },
        ),
        "side by side": StepText(
            title="Side by side",
            story=(
                "The same six lines, with a word of the client to each. The heads here are short: "
                "a browser's are several times as long."
            ),
            outcome={
                ANY: "\n{table}",
            },
        ),
    },
    lesson=(
        "HTTP lets a client ask. What the server wants to say has to wait for a question, or the "
        "question is asked before. A WebSocket needs HTTP once, to open, and then costs a few "
        "bytes a message, in both directions (§1.1)."
    ),
)

KEY = LabText(
    title="What Sec-WebSocket-Key and Sec-WebSocket-Accept are for",
    seen="Five peers that are no WebSocket peer: four are found out, and one cannot be.",
    switch={
        "on": "the server asks for a key, and the client checks the status and the Accept",
        "off": "neither of them looks",
    },
    steps={
        "fetch": StepText(
            title="A script tries it without a WebSocket",
            story=(
                "A page sends a request with fetch(), or with a form, to a WebSocket server. It "
                "may choose the path, some headers and any bytes as the body: here they are a "
                "frame. But no browser lets a script write a header that begins with Sec-, nor "
                "Upgrade or Connection. Open {page} in a browser: it asks fetch() for them."
            ),
            outcome={
                "on": (
                    "400: there is no key, so no WebSocket client has written this. A page that "
                    "opens a real WebSocket is not stopped: Origin is for that (the lab hijack)."
                ),
                "off": (
                    "101: the server takes the body for frames, and has a message that a script "
                    "has written without a WebSocket, and so without its rules."
                ),
            },
        ),
        "page": StepText(
            title="A client comes to a server that only has pages",
            story="The address is wrong, and an HTTP server answers with 200 and a page.",
            outcome={
                "on": (
                    "The client fails the connection: {fault}. A server that answers 101 to "
                    "everything passes this check, and not the next one."
                ),
                "off": "The client takes the page for frames, and reads {header}.",
            },
        ),
        "old answer": StepText(
            title="A cache answers with an old 101",
            story=(
                "A cache has kept the answer to somebody else's handshake, and repeats it. No "
                "server has seen the request."
            ),
            outcome={
                "on": (
                    "The client fails the connection: {fault}. So a client needs a new random key "
                    "each time (§4.1 item 7). A cache that passes the handshake on, and then takes "
                    "frames for HTTP, is not stopped: masking is for that (the lab poison)."
                ),
                "off": "The client takes it: the frames it sends now go to a cache.",
            },
        ),
        "copy": StepText(
            title="A server repeats what it is sent",
            story=(
                "A server that knows the names of the headers, and nothing else of WebSocket, "
                "answers 101 and sends the key back as the Accept."
            ),
            outcome={
                "on": (
                    "The client fails the connection: {fault}. A liar that computes it is not "
                    "stopped: that is the next step."
                ),
                "off": "The client takes it: its frames go to a server that cannot read them.",
            },
        ),
        "program": StepText(
            title="A program computes the Accept",
            story=(
                "The GUID is in the RFC, and SHA-1 is in every library: five lines make the right "
                "Accept for every key."
            ),
            outcome={
                ANY: (
                    "The connection opens, with or without the check. Key and Accept are no "
                    "password: they do not say who the peer is. TLS does, and a login."
                ),
            },
        ),
    },
    lesson=(
        "The key shows the server that a WebSocket client asks, and the Accept shows the client "
        "that a WebSocket server has read this very request (§1.3). So neither a form nor a page "
        "nor a cache opens a WebSocket by accident. Nothing of that is a secret."
    ),
)

FRAGMENTS = LabText(
    title="A message in several frames, a frame in several reads",
    seen='"hello", and "and a happy new year!" in three frames, for two servers.',
    switch={
        "on": "the server puts frames together, and reads each frame to its end",
        "off": "the server takes what one read gives for a frame, and each frame for a message",
    },
    steps={
        "one frame": StepText(
            title='The client says "hello"',
            story=(
                "One frame with FIN, the flag which says that the message ends here: the usual "
                "case. Each frame is a line: its type, its flags, its length, its text, and "
                "whether it breaks a rule (§5.2)."
            ),
            outcome={
                ANY: '"Hi.": both servers understand that.',
            },
        ),
        "three frames": StepText(
            title='The client says "and a happy new year!" in three frames',
            story=(
                "The first has the opcode of a text and no FIN, the second has the opcode 0 and "
                "no FIN, the third has the opcode 0 and FIN. The sender may cut where it likes, "
                "also because it does not know yet how the message ends."
            ),
            outcome={
                "on": "One answer, after the third frame.",
                "off": "Three answers, to three things that the client did not say.",
            },
        ),
        "ping in between": StepText(
            title="A Ping comes between the fragments",
            story=(
                "Control frames may come in the middle of a message, so that a long message does "
                "not keep a Ping waiting (§5.5)."
            ),
            outcome={
                "on": "The Pong comes at once, with the same payload; then the answer.",
                "off": "The server takes the Ping for a message, too.",
            },
        ),
        "byte by byte": StepText(
            title="The same bytes, one at a time",
            story=(
                "TCP has no messages: what is sent at once may arrive in pieces, and the other "
                "way round."
            ),
            outcome={
                "on": "Nothing changes: a frame ends where its length says.",
                "off": (
                    "The server takes each byte for a frame of its own, and answers it: here are "
                    "the first three."
                ),
            },
        ),
        "two messages": StepText(
            title="A second message begins before the first one has ended",
            story=(
                "The frames of two messages must not be mixed, because a frame does not say which "
                "one it belongs to (§5.4)."
            ),
            outcome={
                "on": "A Close with 1002: the client breaks a rule.",
                "off": "The server does not notice.",
            },
        ),
        "browser": StepText(
            title="A browser cuts a long message",
            story=(
                "A script calls send() once, and has no say in the frames. This server answers a "
                "message with a line for each frame of it. Open {page} in a browser: the page "
                "sends {size} bytes, and shows the answer. Chromium cuts them."
            ),
            outcome={
                ANY: "A line for each of the client's three frames, the last one with FIN.",
            },
        ),
    },
    lesson=(
        "Read the header, then as many bytes as its length says; put the payloads together until "
        "FIN; answer control frames in between. A server that reads once for each message works "
        "on your own machine, and fails in the network."
    ),
)

POISON = LabText(
    title="Poison a cache",
    seen="A frame becomes a request, and a cache gives a forged script to everybody.",
    switch={
        "on": "each frame is masked with a new random key, as §5.3 asks for",
        "off": "no frame is masked, as in the drafts of 2010",
        "predictable": "each frame is masked, with a key that the attacker's script knows",
    },
    steps={
        "upgrade": StepText(
            title="The attacker's page opens a WebSocket",
            story=(
                "A visitor opens the attacker's page, maybe as an advertisement on another one. "
                "Its script opens a WebSocket to the attacker's own server, which is allowed. A "
                "cache is on the way, as in many companies: it knows HTTP, and does not know "
                "WebSocket. It passes on the request and the 101."
            ),
            outcome={
                ANY: "The 101 arrives: the WebSocket is open, and the cache goes on reading HTTP.",
            },
        ),
        "frame": StepText(
            title="The page sends a message that looks like a request",
            story=(
                "The script sends one message: a line end, and then a request for the script of "
                "another site, {site}. An attacker would take a script that many sites load, such "
                "as one that counts visits (§10.3). What matters is which bytes the cache reads."
            ),
            outcome={
                "on": (
                    "The cache reads bytes that the script could not choose: no request is in them."
                ),
                "off": (
                    "The payload is on the wire as the script wrote it. The cache drops the first "
                    "line, in which the header of the frame is, and then reads a request."
                ),
                "predictable": (
                    "The script has masked the message with the key before the browser does it "
                    "once more: the two undo each other, and the cache reads a request."
                ),
            },
        ),
        "forged answer": StepText(
            title="The attacker's server answers with a forged script",
            story=(
                "The server is the attacker's, so it need not send frames. It sends a response of "
                "HTTP that may be kept for a year. The cache keeps: {stored}."
            ),
            outcome={
                "on": "The cache has read no request, so it keeps no answer.",
                ANY: (
                    "The cache keeps it as the script of the other site: it looks at the Host in "
                    "the request, and not at the server that it is connected to."
                ),
            },
        ),
        "victim": StepText(
            title="A victim opens the other site",
            story=(
                "Somebody else comes through the same cache and opens {page}, which loads its "
                "script. You can open that address in a browser now, and look at the title."
            ),
            outcome={
                "on": "The victim gets the genuine script, from the site itself.",
                ANY: (
                    "The victim gets the forged script, from the cache; so does everybody who "
                    "comes through it, for a year."
                ),
            },
        ),
    },
    lesson=(
        "Masking protects neither side of the WebSocket: it protects those between and beside "
        "them, from a script that chooses what is on the wire. So the client masks, with a key "
        "that no script can know before the payload is chosen, a new one for each frame (§5.3, "
        "§10.3); and a server refuses a frame that is not masked (§5.1). The server's frames need "
        "no mask: before a response can be forged, a request must be (§10.3). The attack was "
        'published in 2010: "Talking to Yourself for Fun and Profit", by Huang and others.'
    ),
)

HIJACK = LabText(
    title="Read a bank account through an evil page",
    seen="A page of somebody else opens a WebSocket with your cookie, and reads the answer.",
    switch={
        "on": "the bank takes WebSockets of its own pages only (Origin)",
        "off": "the bank does not look at Origin",
        "token": "the bank does not look at Origin, and asks for a token that is in its page",
    },
    steps={
        "login": StepText(
            title="You log in at the bank",
            story=(
                "The answer sets a cookie. From now on your browser sends it with every request "
                "to the bank. (You can do all this in a real browser: open {bank}/login now.)"
            ),
            outcome={
                ANY: "The browser has the cookie.",
            },
        ),
        "own page": StepText(
            title="The bank's own page opens a WebSocket",
            story=(
                "The browser adds the cookie, and Origin, which says whose page asks. No script "
                "can change or leave out either of them. (The token in the path is for the "
                "setting token. In a browser: {bank}/ has the balance as its title.)"
            ),
            outcome={
                ANY: "The balance arrives, as it should.",
            },
        ),
        "evil page": StepText(
            title="An evil page opens the same WebSocket",
            story=(
                "You still have the bank open, and look at a page with kittens, {evil}/. Its "
                "script opens a WebSocket to the bank. The browser allows that, because the "
                "same-origin policy is not for WebSockets, and it adds your cookie: this page is "
                "on another port of the same host, and cookies know no ports."
            ),
            outcome={
                "on": "403: the Origin is the evil page's, and the bank does not list it.",
                "off": "101, and the evil page reads your balance. It can send, too, in your name.",
                "token": "403: the evil page has no token, because it cannot read the bank's page.",
            },
        ),
        "other site": StepText(
            title="The evil page moves to another site",
            story=(
                "The same page under another name, {elsewhere}/. Now it is another site for the "
                "browser, and the cookie says SameSite=Lax: it stays at home."
            ),
            outcome={
                ANY: (
                    "401: no cookie came. But do not rely on it: not every cookie has SameSite, "
                    "not every browser adds it, and a page of anyone below your name is of the "
                    "same site."
                ),
            },
        ),
        "program": StepText(
            title="A program says that it is the bank's page",
            story=(
                "Not a browser this time, but a program with a stolen cookie. It reads the token "
                "in the bank's page, as a browser would, and writes into Origin what it likes."
            ),
            outcome={
                ANY: (
                    "The balance arrives with each setting. Origin protects you from pages in "
                    "your own browser; it says nothing about a program (§10.1)."
                ),
            },
        ),
    },
    lesson=(
        "A browser lets every page open a WebSocket to every server, and adds the user's cookies. "
        "So a server that knows its users by a cookie must check Origin (§10.2), or ask for a "
        "token that only its own pages can know. Origin is no login: a program can write any "
        "(§10.1)."
    ),
)

HEARTBEAT = LabText(
    title="A peer that is gone, and nothing that says so",
    seen="A client that freezes and a router that forgets, with Pings and without.",
    switch={
        "on": "the server sends a Ping after each 0.2 s of silence",
        "off": "the server sends no Ping",
    },
    steps={
        "round trips": StepText(
            title="A Ping and its Pong",
            story=(
                "The receiver of a Ping must send a Pong with the same payload, as soon as it can "
                "(§5.5.2). So the time between the two is the round trip. Here the client sends "
                "the Pings."
            ),
            outcome={
                ANY: "Each Pong comes at once. Each # of a bar is twice as much:\n{drawn}",
            },
        ),
        "frozen": StepText(
            title="The client freezes",
            story=(
                "Its process hangs. Its system goes on acknowledging what TCP brings, so TCP is "
                "alive, and silent. With a heartbeat the server sends a Ping after each 0.2 s of "
                "silence. If nothing arrives for 0.2 s after one, it looks once more a second "
                "later, and then gives up."
            ),
            outcome={
                "on": "After {seconds} s the server ends the connection. {how}",
                "off": (
                    "After {seconds} s nothing has happened, and nothing will: the connection, "
                    "its thread and its memory stay."
                ),
            },
        ),
        "router": StepText(
            title="A router forgets the connection",
            story=(
                "The router on the way forgets a connection after {forgets} s without a byte "
                "(real ones after minutes to hours), and drops all later bytes, without a word to "
                "either side. Nothing is said for {idle} s; then the server sends a message."
            ),
            outcome={
                "on": (
                    "It arrives, because the Pings and Pongs have kept the connection in the "
                    "router's table: it {router}."
                ),
                "off": "It does not arrive, and neither side learns of it: the router {router}.",
            },
        ),
    },
    lesson=(
        "TCP says nothing while nothing is sent. A heartbeat finds a peer that is gone, and keeps "
        "routers from forgetting. Its interval is shorter than what the routers on the way allow: "
        "20 to 30 s are usual."
    ),
)

SLOW = LabText(
    title="Slow clients take all places",
    seen="Clients that send their handshake a byte at a time keep a good one out, or do not.",
    switch={
        "on": "the opening handshake must be done in 0.5 s",
        "off": "the opening handshake may take as long as it likes",
    },
    steps={
        "alone": StepText(
            title="A good client, alone",
            story="It connects, and leaves.",
            outcome={
                ANY: "101, at once.",
            },
        ),
        "slow clients": StepText(
            title="Slow clients come, and the good one after them",
            story=(
                "The server has {places} places. As many clients send the beginning of a request, "
                "and then a byte of a header every 0.1 s. None of them is silent, so a limit on "
                "silence would not help. Then the good client tries to get in, again and again."
            ),
            measured=(
                "Seconds, memory, how long the good client has tried to get in, and the places "
                "that are taken."
            ),
            outcome={
                "on": (
                    "503 for {refused} of its tries, because no place was free. It gets in after "
                    "{waited} s, when the time for the handshakes of the slow ones is over."
                ),
                "off": "503 for all of its {refused} tries in {waited} s. It does not get in.",
            },
        ),
    },
    lesson=(
        "A time for the whole opening handshake, however many bytes arrive meanwhile, frees the "
        "places of clients that do not get on. The default here is 10 s."
    ),
)

NEVER_READING = LabText(
    title="A client that never reads",
    seen="TCP stops the server in its send: for ever, or for a time.",
    switch={
        "on": "a send that makes no progress is given up after 0.5 s",
        "off": "a send may wait as long as it likes",
    },
    steps={
        "asks": StepText(
            title="The client asks for more and more, and does not read",
            story=(
                "The server answers with one long message after the other. The systems of both "
                "sides take some of the bytes. Then TCP takes no more, because the client has no "
                "room, and send() waits. A good client sends messages meanwhile."
            ),
            measured=(
                "Seconds, memory, the delay of the good client's echo, and the bytes that the "
                "systems have taken."
            ),
            outcome={
                "on": (
                    "The systems have taken {taken} bytes. After {seconds} s without progress the "
                    "server ends the connection."
                ),
                "off": (
                    "The systems have taken {taken} bytes. After {seconds} s the server's thread "
                    "still waits. It would wait for ever."
                ),
            },
        ),
        "good client": StepText(
            title="The good client beside it",
            story=(
                "Each connection has a thread of its own, so the others are not kept waiting. The "
                "messages that wait are in the buffers of the systems; the server holds one."
            ),
            outcome={
                ANY: (
                    "The good client has its answer. The memory was {memory} bytes at most. But "
                    "each hostile client costs a thread."
                ),
            },
        ),
    },
    lesson=(
        "Every send needs a way out. Here it is a time for each part of a send that makes no "
        "progress, 20 s unless you choose another, so that a slow client that does read is left "
        "alone."
    ),
)

FLOOD = LabText(
    title="One address takes all places",
    seen="A client opens connections until no other gets in, or until its address has enough.",
    switch={
        "on": "the server takes 5 connections from one address",
        "off": "the server takes any number from one address",
    },
    steps={
        "alone": StepText(
            title="A good client, alone",
            story="It comes from another address.",
            outcome={
                ANY: "101, at once.",
            },
        ),
        "flood": StepText(
            title="The flood",
            story=(
                "One client tries to open {tried} connections and keeps them. A good client that "
                "came before it has one of the {places} places, and sends messages."
            ),
            measured=(
                "Seconds, memory, the delay of the good client's echo, and the places that are "
                "taken."
            ),
            outcome={
                "on": "It gets {opened}, which is as many as one address may have.",
                "off": "It gets {opened}, which are all that were left.",
            },
        ),
        "good client": StepText(
            title="The good client comes again",
            story="From the other address.",
            outcome={
                "on": "{status}: there are places left.",
                "off": "{status}: no place is left for anybody else.",
            },
        ),
    },
    lesson=(
        "A client must not open two connections to one address at once while one is still being "
        "opened (§4.1), but a hostile one does as it likes. A limit for each address leaves "
        "places for others. Behind a proxy all clients have one address: there the proxy must "
        "count."
    ),
)

BOMB = LabText(
    title="A few bytes that inflate to many",
    seen="A compressed message of some kilobytes fills the memory of the server, or does not.",
    switch={
        "on": "a message may have 1 MiB after inflating, and this is checked while it inflates",
        "off": "there is no limit",
    },
    steps={
        "bomb": StepText(
            title="The client sends a compressed message",
            story=(
                "Its payload is a long row of zeros, which DEFLATE makes a thousand times "
                "shorter: {wire} bytes on the wire are {inflated} bytes in memory."
            ),
            outcome={
                ANY: "The frame is legal: nothing in its header says how long it is when inflated.",
            },
        ),
        "answer": StepText(
            title="The server inflates it",
            story="A server must inflate to see how long the message is.",
            outcome={
                "on": "A Close with 1009: the server stops at its limit.",
                "off": "The server has had all of it in memory.",
            },
        ),
        "several clients": StepText(
            title="Several clients send it",
            story=(
                "{clients} clients send the same message, one after the other, and stay. The "
                "server keeps the last message of each. A good client sends messages meanwhile."
            ),
            measured=(
                "Seconds, memory, the delay of the good client's echo, and the clients that have "
                "their answer."
            ),
            outcome={
                "on": "1009 for each of them. The memory was {memory} bytes at most.",
                "off": "The memory was {memory} bytes at most. A hundred clients do the rest.",
            },
        ),
    },
    lesson=(
        "Limits count what a message is, not what it is on the wire, and they are checked piece "
        "by piece while it inflates: afterwards is too late. §10.4 asks for a limit on a message. "
        "RFC 7692 does not say that it must hold while inflating."
    ),
)

GUESS = LabText(
    title="The length of a frame gives a secret away",
    seen="An attacker who sees only lengths reads a secret out of a compressed connection.",
    switch={
        "on": "compression is off",
        "off": "compression is on, and later messages refer to earlier ones",
        "context": "compression is on, and each message has a window of its own",
    },
    steps={
        "secret": StepText(
            title="The server sends a secret",
            story=(
                "The first message has the user's cookie. TLS would hide it; it does not hide how "
                "long a frame is. The attacker sees the lengths, and can make the user's page "
                "send something, which the server repeats."
            ),
            outcome={
                "on": "The message arrives as it is.",
                "off": "It arrives compressed, and stays in the window of the next messages.",
                "context": "It arrives compressed; the next message begins with an empty window.",
            },
        ),
        "one digit": StepText(
            title="The attacker tries the first digit",
            story=(
                'The page sends "session=0", "session=1" and so on, each in a new connection. '
                "Bytes of each answer, with 2 for its header: {lengths}. The frames are those that "
                "cross for {shortest}."
            ),
            outcome={
                "off": (
                    "One is a byte shorter: it repeats one character more of the cookie, and "
                    "DEFLATE writes what is repeated as one reference."
                ),
                "on": "All are the same.",
                "context": "All are the same: the window is empty at the start of each message.",
            },
        ),
        "all digits": StepText(
            title="The attacker goes on, digit by digit",
            story="{tries} messages in all. The attacker has {guessed}; the cookie is {secret}.",
            outcome={
                "off": "The whole secret, without a look into one frame.",
                ANY: (
                    "The lengths say nothing: the attacker has taken the first digit each time, "
                    "and knows none."
                ),
            },
        ),
    },
    lesson=(
        "Do not compress a secret together with what somebody else may choose (RFC 7692 §8). A "
        "window of its own for each message helps only if the two are never in the same message."
    ),
)

ENGLISH = Language(
    WORDS,
    {
        "first": FIRST,
        "polling": POLLING,
        "key": KEY,
        "fragments": FRAGMENTS,
        "poison": POISON,
        "hijack": HIJACK,
        "heartbeat": HEARTBEAT,
        "slow": SLOW,
        "never-reading": NEVER_READING,
        "flood": FLOOD,
        "bomb": BOMB,
        "guess": GUESS,
    },
)
