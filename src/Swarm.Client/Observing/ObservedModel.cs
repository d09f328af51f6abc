namespace Swarm.Client.Observing;

/// <summary>A model that nodes of a swarm announce.</summary>
/// <param name="Name">For people; what its nodes call it.</param>
/// <param name="Identity">64 hexadecimal digits.</param>
/// <param name="Blocks">Transformer blocks of the whole model.</param>
/// <param name="Nodes">Nodes that announce it.</param>
public sealed record ObservedModel(string Name, string Identity, int Blocks, int Nodes);
