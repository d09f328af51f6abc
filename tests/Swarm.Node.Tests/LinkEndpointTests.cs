using Google.Protobuf;
using Swarm.Node.Sessions;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Tests;

/// <summary>Who greets is who its certificate says.</summary>
public sealed class LinkEndpointTests
{
    private static readonly PeerId Caller = PeerId.OfPublicKey([1]);
    private static readonly PeerId Another = PeerId.OfPublicKey([2]);

    [Fact]
    public void Refuse_HelloOfAnotherPeer_IsAViolationThatNamesBoth()
    {
        Fault fault = LinkEndpoint.Refuse(Hello(Another.ToByteString()), Caller)!;
        Assert.Equal(FaultKind.ProtocolViolation, fault.Kind);
        Assert.Contains(Caller.ToString(), fault.Message);
        Assert.Contains(Another.ToString(), fault.Message);
        Assert.Contains("3 bytes", LinkEndpoint.Refuse(Hello(ByteString.CopyFrom(1, 2, 3)), Caller)!.Message);
    }

    [Fact]
    public void Refuse_OwnIdOrNoneOrNoCertificate_LetsIn()
    {
        Assert.Null(LinkEndpoint.Refuse(Hello(Caller.ToByteString()), Caller));
        Assert.Null(LinkEndpoint.Refuse(Hello(ByteString.Empty), Caller));
        Assert.Null(LinkEndpoint.Refuse(Hello(Another.ToByteString()), default));
    }

    private static LinkMessage Hello(ByteString peer) =>
        new(new LinkFrame { Hello = new Hello { Version = WireVersion.Current, Purpose = Purpose.Decode, Peer = peer } });
}
