/* Echo with libwebsockets: `program PORT`. Its extensions stay off, its default; that text is UTF-8
 * is checked, an option.
 *
 * A message may arrive in several pieces. Each is kept, and sent as a fragment of the reply as soon
 * as the socket takes it.
 */

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

struct piece {
    struct piece *next;
    size_t size;
    int flags;
    unsigned char data[]; /* LWS_PRE bytes for the header of the frame, then the payload */
};

struct session {
    struct piece *first, **end;
};

static int keep(struct session *session, struct lws *wsi, const void *data, size_t size)
{
    struct piece *piece = malloc(sizeof *piece + LWS_PRE + size);
    if (piece == NULL)
        return -1;
    piece->next = NULL;
    piece->size = size;
    piece->flags = lws_write_ws_flags(lws_frame_is_binary(wsi) ? LWS_WRITE_BINARY : LWS_WRITE_TEXT,
                                      lws_is_first_fragment(wsi), lws_is_final_fragment(wsi));
    memcpy(piece->data + LWS_PRE, data, size);
    *session->end = piece;
    session->end = &piece->next;
    lws_callback_on_writable(wsi);
    return 0;
}

static int send_next(struct session *session, struct lws *wsi)
{
    struct piece *piece = session->first;
    if (piece == NULL)
        return 0;
    int written = lws_write(wsi, piece->data + LWS_PRE, piece->size, piece->flags);
    int failed = written < (int)piece->size;
    session->first = piece->next;
    if (session->first == NULL)
        session->end = &session->first;
    else
        lws_callback_on_writable(wsi);
    free(piece);
    return failed ? -1 : 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *data,
                    size_t size)
{
    struct session *session = user;
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        session->first = NULL;
        session->end = &session->first;
        return 0;
    case LWS_CALLBACK_RECEIVE:
        return keep(session, wsi, data, size);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return send_next(session, wsi);
    case LWS_CALLBACK_CLOSED:
        while (session->first != NULL) {
            struct piece *piece = session->first;
            session->first = piece->next;
            free(piece);
        }
        return 0;
    default: /* a request that is no handshake gets a page, or 404 */
        return lws_callback_http_dummy(wsi, reason, user, data, size);
    }
}

int main(int argc, char **argv)
{
    struct lws_protocols protocols[2] = {
        {.name = "echo", .callback = on_event, .per_session_data_size = sizeof(struct session)}};
    struct lws_context_creation_info info = {0};
    info.port = argc > 1 ? atoi(argv[1]) : 9000;
    info.iface = "lo";
    info.protocols = protocols;
    info.options = LWS_SERVER_OPTION_VALIDATE_UTF8;
    lws_set_log_level(LLL_ERR, NULL);
    struct lws_context *context = lws_create_context(&info);
    if (context == NULL)
        return 1;
    while (lws_service(context, 0) >= 0)
        ;
    lws_context_destroy(context);
    return 0;
}
