namespace Swarm.Client;

/// <summary>One token of a continuation.</summary>
/// <param name="Id">Token id.</param>
/// <param name="Text">
/// The text that became certain with it: unfinished characters and what may become a stop text are held back, so it may be empty or
/// belong to earlier tokens. All texts together are the continuation.
/// </param>
/// <param name="Position">Its position in the session.</param>
public readonly record struct GeneratedToken(int Id, string Text, int Position);
