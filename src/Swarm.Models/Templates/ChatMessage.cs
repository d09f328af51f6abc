namespace Swarm.Models.Templates;

/// <summary>One turn of a plain text conversation. Roles are the template's own words, usually system, user and assistant.</summary>
public sealed record ChatMessage(string Role, string Content);
