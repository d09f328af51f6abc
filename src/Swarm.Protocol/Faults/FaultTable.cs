using System.Collections.Frozen;
using Grpc.Core;

namespace Swarm.Protocol;

/// <summary>One row for every <see cref="FaultKind"/>.</summary>
public static class FaultTable
{
    private static readonly FrozenDictionary<FaultKind, FaultRule> Rows = new FaultRule[]
    {
        new(FaultKind.Unspecified, "Internal", StatusCode.Internal, FaultBlame.Program, false),
        new(FaultKind.InvalidArgument, "InvalidArgument", StatusCode.InvalidArgument, FaultBlame.Caller, false),
        new(FaultKind.ContextExceeded, "ContextExceeded", StatusCode.OutOfRange, FaultBlame.Caller, false),
        new(FaultKind.ModelMismatch, "ModelMismatch", StatusCode.NotFound, FaultBlame.Caller, false),
        new(FaultKind.VersionMismatch, "VersionMismatch", StatusCode.FailedPrecondition, FaultBlame.Caller, false),
        new(FaultKind.NoRoute, "NoRoute", StatusCode.Unavailable, FaultBlame.Swarm, true),
        new(FaultKind.NoCapacity, "NoCapacity", StatusCode.ResourceExhausted, FaultBlame.Swarm, true),
        new(FaultKind.PeerUnreachable, "PeerUnreachable", StatusCode.Unavailable, FaultBlame.Peer, true),
        new(FaultKind.PeerLost, "PeerLost", StatusCode.Unavailable, FaultBlame.Peer, true),
        new(FaultKind.PeerStalled, "PeerStalled", StatusCode.Unavailable, FaultBlame.Peer, true),
        new(FaultKind.CorruptPacket, "CorruptPacket", StatusCode.DataLoss, FaultBlame.Liar, true),
        new(FaultKind.ProtocolViolation, "ProtocolViolation", StatusCode.Aborted, FaultBlame.Liar, true),
        new(FaultKind.UnknownSession, "UnknownSession", StatusCode.NotFound, FaultBlame.Peer, true),
        new(FaultKind.StaleEpoch, "StaleEpoch", StatusCode.Aborted, FaultBlame.Caller, false),
        new(FaultKind.WrongPosition, "WrongPosition", StatusCode.OutOfRange, FaultBlame.Caller, false),
        new(FaultKind.Draining, "Draining", StatusCode.Unavailable, FaultBlame.Swarm, true),
        new(FaultKind.Cancelled, "Cancelled", StatusCode.Cancelled, FaultBlame.Nobody, false),
        new(FaultKind.DeadlineExceeded, "DeadlineExceeded", StatusCode.DeadlineExceeded, FaultBlame.Nobody, false),
        new(FaultKind.CorruptModel, "CorruptModel", StatusCode.DataLoss, FaultBlame.Caller, false),
        new(FaultKind.Internal, "Internal", StatusCode.Internal, FaultBlame.Program, true),
        new(FaultKind.BlocksNotServed, "BlocksNotServed", StatusCode.Unavailable, FaultBlame.Swarm, true),
        new(FaultKind.Paused, "Paused", StatusCode.Unavailable, FaultBlame.Swarm, true),
        new(FaultKind.InvalidInvite, "InvalidInvite", StatusCode.InvalidArgument, FaultBlame.Caller, false),

        // One that ends as it is called looks like one that refuses: only when all say so it is the caller's membership (MembershipVerdict).
        new(FaultKind.NotAMember, "NotAMember", StatusCode.Unauthenticated, FaultBlame.Peer, true),
    }.ToFrozenDictionary(row => row.Kind);

    /// <summary>The rule of a kind; a number that this version does not know has the rule of <see cref="FaultKind.Unspecified"/>.</summary>
    public static FaultRule Rule(this FaultKind kind) => Rows.TryGetValue(kind, out FaultRule? row) ? row : Rows[FaultKind.Unspecified];

    /// <summary>The kinds that have a row, for the test that asks for all.</summary>
    internal static IEnumerable<FaultKind> Kinds => Rows.Keys;
}
