using Grpc.Core;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Sessions;

/// <summary>The reading loops of the links that others dial to this node.</summary>
/// <param name="self">Who this is.</param>
/// <param name="table">Who takes the frames.</param>
/// <param name="progress">How far the device is.</param>
/// <param name="time">The clock.</param>
internal sealed class LinkEndpoint(NodeIdentity self, SessionTable table, Func<Progress> progress, TimeProvider time)
{
    private readonly LinkWatcher _watcher = new(time);

    public async Task ServeAsync(
        IAsyncStreamReader<LinkMessage> requests, IServerStreamWriter<LinkMessage> responses, ServerCallContext context)
    {
        var sender = new LinkSender(responses);
        if (!await requests.MoveNext(context.CancellationToken))
            return;
        LinkMessage first = requests.Current;
        first.Release();
        if (Refuse(first, context.GetPeer()) is { } fault)
        {
            sender.Send(new LinkMessage(new LinkFrame { Fault = fault }));
            await sender.DrainAsync();
            return;
        }

        var link = new InboundLink(sender, first.Frame.Hello.Purpose == Purpose.Bulk)
        {
            Caller = context.GetPeer(),
            IsFromNode = !first.Frame.Hello.Peer.IsEmpty,
        };
        sender.Send(new LinkMessage(new LinkFrame { Hello = LinkGreeting.Make(link.IsBulk, self.Peer, self.ModelIdentity) }));
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        sender.Overflowed = ending.Cancel;
        var watched = new WatchedInboundLink(sender, progress, _watcher, ending.Cancel);
        try
        {
            while (await requests.MoveNext(ending.Token))
            {
                LinkMessage message = requests.Current;
                if (watched.Takes(message))
                    message.Release();
                else
                    table.OnFrame(link, message);
            }

            await sender.DrainAsync();
        }
        catch (Exception exception) when (exception is RpcException or IOException or OperationCanceledException)
        {
            // The other side is gone; its sessions end below.
        }
        finally
        {
            _watcher.Remove(watched);
            sender.Overflowed = null;
            table.OnLinkClosed(link);
            sender.Close();
        }
    }

    /// <param name="caller">Who the transport has proven to be calling; none where it proves nothing.</param>
    internal static Fault? Refuse(LinkMessage first, PeerId caller)
    {
        if (first.Defect is { } defect)
            return new Fault { Kind = FaultKind.CorruptPacket, Message = defect };
        if (first.Frame.BodyCase != LinkFrame.BodyOneofCase.Hello)
            return new Fault { Kind = FaultKind.ProtocolViolation, Message = $"first frame: {first.Frame.BodyCase}, expected Hello" };
        Hello hello = first.Frame.Hello;
        if (hello.Version != WireVersion.Current)
            return new Fault { Kind = FaultKind.VersionMismatch, Message = $"wire version: {hello.Version}, this node has {WireVersion.Current}" };
        bool isId = PeerId.TryRead(hello.Peer, out PeerId claimed);
        if (!caller.IsNone && !hello.Peer.IsEmpty && claimed != caller)
        {
            string said = isId ? claimed.ToString() : $"{hello.Peer.Length} bytes";
            return new Fault { Kind = FaultKind.ProtocolViolation, Message = $"peer: says {said}, its certificate is {caller}'s" };
        }

        return hello.Purpose is Purpose.Decode or Purpose.Bulk
            ? null
            : new Fault { Kind = FaultKind.InvalidArgument, Message = $"purpose: {(int)hello.Purpose}, expected 1 (decode) or 2 (bulk)" };
    }
}
