using System.Net;
using System.Net.Sockets;

namespace Swarm.Testing.Networks;

/// <summary>A network namespace with one address.</summary>
public sealed class NetworkHost
{
    internal NetworkHost(string name, int index)
    {
        Name = name;
        Index = index;
        Address = new IPAddress([10, 77, 0, (byte)(index + 1)]);
    }

    public int Index { get; }

    public IPAddress Address { get; }

    /// <summary>The words before a command that run it here.</summary>
    public IReadOnlyList<string> Prefix => [NetworkSupport.IpProgram, "netns", "exec", Name];

    internal string Name { get; }

    internal string Mac => $"02:53:57:00:00:{Index + 1:x2}";

    /// <summary>A socket of this process that speaks as this host.</summary>
    public Socket OpenSocket(SocketType type, ProtocolType protocol)
    {
        Socket? socket = null;
        Exception? failure = null;

        // A namespace is the thread's: one of its own enters it and ends; the socket stays where it was made.
        Thread thread = new(() =>
        {
            try
            {
                NetworkNative.Enter(Name);
                socket = new Socket(AddressFamily.InterNetwork, type, protocol);
                socket.Bind(new IPEndPoint(Address, 0));
            }
            catch (Exception exception) when (exception is IOException or SocketException)
            {
                failure = exception;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? socket! : throw new IOException($"a socket of {Address}: {failure.Message}", failure);
    }
}
