namespace Grpc.Core;

/// <summary>The messages that a client sends.</summary>
public interface IClientStreamWriter<in T> : IAsyncStreamWriter<T>
{
    /// <summary>Says that no more messages come. The answer may still stream.</summary>
    Task CompleteAsync();
}
