namespace Swarm.Node;

/// <summary>Something that whoever runs a node may want to show. One of the records below.</summary>
public abstract record NodeEvent;
