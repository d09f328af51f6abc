namespace Grpc.Core;

/// <summary>The messages that a server sends.</summary>
public interface IServerStreamWriter<in T> : IAsyncStreamWriter<T>
{
}
