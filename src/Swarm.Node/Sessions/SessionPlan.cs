using Swarm.Kernels.Codecs;
using Swarm.Models;
using Swarm.Node.SwarmEnds;
using Swarm.Protocol;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Sessions;

/// <summary>What a session asks of this hop, checked against the hop's own blocks.</summary>
/// <param name="Part">Blocks to compute here.</param>
/// <param name="Codec">Applied at the rounding points.</param>
/// <param name="InnerPoints">Rounding points strictly inside the part, ascending.</param>
/// <param name="InputCodec">Codec of packets that come in.</param>
/// <param name="OutputCodec">Codec of packets that go on.</param>
/// <param name="MaxPositions">The most positions that the session may hold.</param>
/// <param name="ExpectedPositions">What admission counts.</param>
/// <param name="Next">The next hop; null at the last.</param>
/// <param name="NextEndpoint">Who it is, and where; null at the last.</param>
internal sealed record SessionPlan(
    BlockSpan Part, ActivationCodec Codec, IReadOnlyList<int> InnerPoints, ActivationCodec InputCodec, ActivationCodec OutputCodec,
    int MaxPositions, int ExpectedPositions, Hop? Next, PeerEndpoint? NextEndpoint)
{
    /// <summary>What a session that leaves the model's ends to the swarm asks; null with local ends.</summary>
    public EndsTerms? Ends { get; init; }

    /// <summary>Reads a request to open a session on the blocks that new sessions get. A fault names field, value and limit.</summary>
    public static SessionPlan? Read(OpenSession open, NodeIdentity self, BlockSpan blocks, out Fault? fault)
    {
        SessionPlan? Refuse(FaultKind kind, string message, out Fault refusal)
        {
            refusal = new Fault { Kind = kind, Message = message, FirstBlock = (uint)blocks.Start, EndBlock = (uint)blocks.End };
            return null;
        }

        fault = null;
        if (!open.ModelIdentity.Span.SequenceEqual(self.ModelIdentity.Span))
        {
            return Refuse(
                FaultKind.ModelMismatch,
                $"model identity: {Hex(open.ModelIdentity.Span)} asked for, this node holds {Hex(self.ModelIdentity.Span)} ({self.ModelName})", out fault);
        }

        if (open.Hops.Count is 0 or > ChainLimits.MaxHops)
            return Refuse(FaultKind.InvalidArgument, $"hops: {open.Hops.Count}, expected 1 to {ChainLimits.MaxHops}", out fault);
        Hop own = open.Hops[0];
        if (!PeerId.TryRead(own.Peer, out PeerId peer) || peer != self.Peer)
            return Refuse(FaultKind.InvalidArgument, $"hop 0: peer {Hex(own.Peer.Span)}, this is {self.Peer.Short}", out fault);
        if (own.FirstBlock >= own.EndBlock || own.EndBlock > self.ModelBlocks)
        {
            return Refuse(
                FaultKind.InvalidArgument, $"hop 0: blocks {own.FirstBlock}:{own.EndBlock}, the model has {self.ModelBlocks}", out fault);
        }

        // Nobody's mistake: a node moves, and what others know of it is some seconds old.
        if (own.FirstBlock < blocks.Start || own.EndBlock > blocks.End)
        {
            string served = blocks.Count > 0 ? $"this node serves {blocks}" : "this node serves none now";
            return Refuse(FaultKind.BlocksNotServed, $"hop 0: blocks {own.FirstBlock}:{own.EndBlock}, {served}", out fault);
        }

        var part = new BlockSpan((int)own.FirstBlock, (int)own.EndBlock);
        ActivationCodec? codec = open.Codec <= byte.MaxValue ? ActivationCodec.ById((int)open.Codec) : null;
        if (codec is null)
            return Refuse(FaultKind.InvalidArgument, $"codec: {open.Codec}, expected 0 to {ActivationCodec.All.Count - 1}", out fault);
        if (open.RoundingPoints.Count > ChainLimits.MaxRoundingPoints)
        {
            return Refuse(
                FaultKind.InvalidArgument, $"rounding_points: {open.RoundingPoints.Count}, expected at most {ChainLimits.MaxRoundingPoints}", out fault);
        }

        long last = -1;
        foreach (uint point in open.RoundingPoints)
        {
            if (point <= last || point > self.ModelBlocks)
                return Refuse(FaultKind.InvalidArgument, $"rounding_points: {point}, expected ascending, at most {self.ModelBlocks}", out fault);
            last = point;
        }

        if (open.MaxPositions is 0 || open.MaxPositions > self.Context)
            return Refuse(FaultKind.ContextExceeded, $"max_positions: {open.MaxPositions}, expected 1 to {self.Context} (the context)", out fault);
        if (open.KvNeed > open.MaxPositions)
            return Refuse(FaultKind.InvalidArgument, $"kv_need: {open.KvNeed}, expected at most max_positions {open.MaxPositions}", out fault);

        if (open.Valid > open.MaxPositions || open.Confirmed > open.Valid)
        {
            return Refuse(
                FaultKind.InvalidArgument, $"valid: {open.Valid}, expected confirmed {open.Confirmed} to max_positions {open.MaxPositions}", out fault);
        }

        Hop? next = open.Hops.Count > 1 ? open.Hops[1] : null;
        PeerEndpoint? endpoint = null;
        if (next is not null)
        {
            if (next.FirstBlock != own.EndBlock)
                return Refuse(FaultKind.InvalidArgument, $"hop 1: begins at block {next.FirstBlock}, expected {own.EndBlock}", out fault);
            if (!PeerId.TryRead(next.Peer, out PeerId nextPeer))
                return Refuse(FaultKind.InvalidArgument, $"hop 1: peer id of {next.Peer.Length} bytes, expected {PeerId.Length}", out fault);
            if (next.Addresses.Count is 0 or > ChainLimits.MaxAddresses)
                return Refuse(FaultKind.InvalidArgument, $"hop 1: {next.Addresses.Count} addresses, expected 1 to {ChainLimits.MaxAddresses}", out fault);
            var addresses = new PeerAddress[next.Addresses.Count];
            for (int index = 0; index < addresses.Length; index++)
            {
                if (next.Addresses[index].Length > ChainLimits.MaxAddressLength || !PeerAddress.TryParse(next.Addresses[index], out addresses[index]))
                    return Refuse(FaultKind.InvalidArgument, "hop 1: its address is not host:port", out fault);
            }

            endpoint = new PeerEndpoint(nextPeer, [.. addresses]);
        }

        if (LabelLog.CheckPrefix(open.MaxPositions, open.PrefixLabels) is { } wrong)
            return Refuse(FaultKind.InvalidArgument, wrong, out fault);
        EndsTerms? ends = EndsTerms.Read(open, part, self.ModelBlocks, self.Vocabulary, out fault);
        if (fault is not null)
            return Refuse(fault.Kind, fault.Message, out fault);
        uint[] points = [.. open.RoundingPoints];
        ActivationCodec At(int boundary) => points.Contains((uint)boundary) ? codec : ActivationCodec.F32;
        int[] inner = [.. points.Where(point => point > part.Start && point < part.End).Select(point => (int)point)];
        return new SessionPlan(
            part, codec, inner, At(part.Start), At(part.End), (int)open.MaxPositions, (int)open.KvNeed, next, endpoint) { Ends = ends };
    }

    /// <summary>Whether steps of both can share a pass.</summary>
    public bool ComputesLike(SessionPlan other) =>
        Part == other.Part && (InnerPoints.Count == 0 && other.InnerPoints.Count == 0
            || Codec == other.Codec && InnerPoints.SequenceEqual(other.InnerPoints));

    /// <summary>Whether what a hop holds under one plan counts under the other: the same blocks, rounded at the same places, and the same ends.</summary>
    public bool HoldsLike(SessionPlan other) =>
        Part == other.Part && Codec == other.Codec && InputCodec == other.InputCodec && OutputCodec == other.OutputCodec
        && Next is null == other.Next is null && Ends == other.Ends && InnerPoints.SequenceEqual(other.InnerPoints);

    private static string Hex(ReadOnlySpan<byte> bytes) => bytes.IsEmpty ? "(none)" : Convert.ToHexStringLower(bytes[..Math.Min(6, bytes.Length)]);
}
