using System.Collections.Frozen;

namespace Swarm.Protocol;

/// <summary>One row for every <see cref="FaultKind"/>.</summary>
public static class FaultTable
{
    private static readonly FrozenDictionary<FaultKind, FaultRule> Rows = new FaultRule[]
    {
        new(FaultKind.Unspecified, "Internal", FaultBlame.Program, false),
        new(FaultKind.InvalidArgument, "InvalidArgument", FaultBlame.Caller, false),
        new(FaultKind.ContextExceeded, "ContextExceeded", FaultBlame.Caller, false),
        new(FaultKind.ModelMismatch, "ModelMismatch", FaultBlame.Caller, false),
        new(FaultKind.VersionMismatch, "VersionMismatch", FaultBlame.Caller, false),
        new(FaultKind.NoRoute, "NoRoute", FaultBlame.Swarm, true),
        new(FaultKind.NoCapacity, "NoCapacity", FaultBlame.Swarm, true),
        new(FaultKind.PeerUnreachable, "PeerUnreachable", FaultBlame.Peer, true),
        new(FaultKind.PeerLost, "PeerLost", FaultBlame.Peer, true),
        new(FaultKind.PeerStalled, "PeerStalled", FaultBlame.Peer, true),
        new(FaultKind.CorruptPacket, "CorruptPacket", FaultBlame.Liar, true),
        new(FaultKind.ProtocolViolation, "ProtocolViolation", FaultBlame.Liar, true),
        new(FaultKind.UnknownSession, "UnknownSession", FaultBlame.Peer, true),
        new(FaultKind.StaleEpoch, "StaleEpoch", FaultBlame.Caller, false),
        new(FaultKind.WrongPosition, "WrongPosition", FaultBlame.Caller, false),
        new(FaultKind.Draining, "Draining", FaultBlame.Swarm, true),
        new(FaultKind.Cancelled, "Cancelled", FaultBlame.Nobody, false),
        new(FaultKind.DeadlineExceeded, "DeadlineExceeded", FaultBlame.Nobody, false),
        new(FaultKind.CorruptModel, "CorruptModel", FaultBlame.Caller, false),
        new(FaultKind.Internal, "Internal", FaultBlame.Program, true),
        new(FaultKind.InvalidInvite, "InvalidInvite", FaultBlame.Caller, false),
    }.ToFrozenDictionary(row => row.Kind);

    /// <summary>The rule of a kind; a number that this version does not know has the rule of <see cref="FaultKind.Unspecified"/>.</summary>
    public static FaultRule Rule(this FaultKind kind) => Rows.TryGetValue(kind, out FaultRule? row) ? row : Rows[FaultKind.Unspecified];

    /// <summary>The kinds that have a row, for the test that asks for all.</summary>
    internal static IEnumerable<FaultKind> Kinds => Rows.Keys;
}
