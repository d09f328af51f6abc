using System.Collections.Frozen;
using Grpc.Core;

namespace Swarm.Protocol;

/// <summary>One row for every <see cref="FaultKind"/>.</summary>
public static class FaultTable
{
    private static readonly FrozenDictionary<FaultKind, FaultRule> Rows = new FaultRule[]
    {
        new(FaultKind.Unspecified, "Internal", StatusCode.Internal, FaultBlame.Program, FaultResponse.Replace, FaultCost.None),
        new(FaultKind.InvalidArgument, "InvalidArgument", StatusCode.InvalidArgument, FaultBlame.Caller, FaultResponse.Fail, FaultCost.None),
        new(FaultKind.ContextExceeded, "ContextExceeded", StatusCode.OutOfRange, FaultBlame.Caller, FaultResponse.Fail, FaultCost.None),
        new(FaultKind.ModelMismatch, "ModelMismatch", StatusCode.NotFound, FaultBlame.Caller, FaultResponse.Fail, FaultCost.None),
        new(FaultKind.VersionMismatch, "VersionMismatch", StatusCode.FailedPrecondition, FaultBlame.Caller, FaultResponse.Fail, FaultCost.None),
        new(FaultKind.NoRoute, "NoRoute", StatusCode.Unavailable, FaultBlame.Swarm, FaultResponse.WaitAndRetry, FaultCost.None),
        new(FaultKind.NoCapacity, "NoCapacity", StatusCode.ResourceExhausted, FaultBlame.Swarm, FaultResponse.Elsewhere, FaultCost.None),
        new(FaultKind.PeerUnreachable, "PeerUnreachable", StatusCode.Unavailable, FaultBlame.Peer, FaultResponse.Replace, FaultCost.HiddenUntilProbe),
        new(FaultKind.PeerLost, "PeerLost", StatusCode.Unavailable, FaultBlame.Peer, FaultResponse.Replace, FaultCost.HiddenUntilProbe),
        new(FaultKind.PeerStalled, "PeerStalled", StatusCode.Unavailable, FaultBlame.Peer, FaultResponse.Replace, FaultCost.HiddenUntilProbe),
        new(FaultKind.CorruptPacket, "CorruptPacket", StatusCode.DataLoss, FaultBlame.Liar, FaultResponse.Resend, FaultCost.HiddenForAMinute),
        new(FaultKind.ProtocolViolation, "ProtocolViolation", StatusCode.Aborted, FaultBlame.Liar, FaultResponse.Resend, FaultCost.HiddenForAMinute),
        new(FaultKind.UnknownSession, "UnknownSession", StatusCode.NotFound, FaultBlame.Peer, FaultResponse.Resend, FaultCost.None),
        new(FaultKind.StaleEpoch, "StaleEpoch", StatusCode.Aborted, FaultBlame.Caller, FaultResponse.Fail, FaultCost.None),
        new(FaultKind.WrongPosition, "WrongPosition", StatusCode.OutOfRange, FaultBlame.Caller, FaultResponse.Fail, FaultCost.None),
        new(FaultKind.Draining, "Draining", StatusCode.Unavailable, FaultBlame.Swarm, FaultResponse.Elsewhere, FaultCost.None),
        new(FaultKind.Cancelled, "Cancelled", StatusCode.Cancelled, FaultBlame.Nobody, FaultResponse.Fail, FaultCost.None),
        new(FaultKind.DeadlineExceeded, "DeadlineExceeded", StatusCode.DeadlineExceeded, FaultBlame.Nobody, FaultResponse.Fail, FaultCost.None),
        new(FaultKind.CorruptModel, "CorruptModel", StatusCode.DataLoss, FaultBlame.Caller, FaultResponse.Fail, FaultCost.None),
        new(FaultKind.Internal, "Internal", StatusCode.Internal, FaultBlame.Program, FaultResponse.Replace, FaultCost.None),
        new(FaultKind.BlocksNotServed, "BlocksNotServed", StatusCode.Unavailable, FaultBlame.Swarm, FaultResponse.Elsewhere, FaultCost.None),
        new(FaultKind.Paused, "Paused", StatusCode.Unavailable, FaultBlame.Swarm, FaultResponse.Elsewhere, FaultCost.None),
        new(FaultKind.TensorNotHeld, "TensorNotHeld", StatusCode.NotFound, FaultBlame.Swarm, FaultResponse.Elsewhere, FaultCost.None),
        new(FaultKind.WrongTensor, "WrongTensor", StatusCode.DataLoss, FaultBlame.Liar, FaultResponse.Resend, FaultCost.HiddenForAMinute),
        new(FaultKind.InvalidInvite, "InvalidInvite", StatusCode.InvalidArgument, FaultBlame.Caller, FaultResponse.Fail, FaultCost.None),

        // One that ends as it is called looks like one that refuses: only when all say so it is the caller's membership (MembershipVerdict).
        new(FaultKind.NotAMember, "NotAMember", StatusCode.Unauthenticated, FaultBlame.Peer, FaultResponse.Replace, FaultCost.HiddenUntilProbe),
    }.ToFrozenDictionary(row => row.Kind);

    /// <summary>The rule of a kind; a number that this version does not know has the rule of <see cref="FaultKind.Unspecified"/>.</summary>
    public static FaultRule Rule(this FaultKind kind) => Rows.TryGetValue(kind, out FaultRule? row) ? row : Rows[FaultKind.Unspecified];

    /// <summary>The kinds that have a row, for the test that asks for all.</summary>
    internal static IEnumerable<FaultKind> Kinds => Rows.Keys;
}
