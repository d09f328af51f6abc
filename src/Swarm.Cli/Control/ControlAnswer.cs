namespace Swarm.Cli.Control;

/// <summary>What a node of this machine answers.</summary>
/// <param name="Peer">Who it is, 64 hexadecimal digits.</param>
/// <param name="Pid">Its process.</param>
/// <param name="State">The state that it announces now, such as <c>serving</c>.</param>
/// <param name="Sessions">Sessions open.</param>
internal sealed record ControlAnswer(string Peer, int Pid, string State, int Sessions);
