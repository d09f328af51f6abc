using System.Runtime.InteropServices;

namespace Swarm.Cli.Framework;

/// <summary>
/// Ctrl-C and SIGTERM. The first asks to finish politely, the second ends the process at once. A command may take single interrupts itself
/// (<see cref="Handler"/>): a chat ends its answer, not the program.
/// </summary>
internal sealed class Interrupts(TimeProvider time) : IDisposable
{
    /// <summary>Some tools signal a process and then its group: the same request again, not a second one.</summary>
    private static readonly TimeSpan SameRequest = TimeSpan.FromSeconds(0.5);

    private readonly CancellationTokenSource _polite = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly Lock _lock = new();
    private int _count;
    private long _firstAt;
    private bool _ignoreInterrupt;

    /// <summary>Cancelled by the first interrupt.</summary>
    public CancellationToken Polite => _polite.Token;

    public bool Requested => _polite.IsCancellationRequested;

    /// <summary>Given each Ctrl-C; true when it is dealt with and shall not end the program.</summary>
    public Func<bool>? Handler { get; set; }

    public void Listen()
    {
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal));
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal));
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnSignal));
    }

    /// <summary>A child that its parent ends: the terminal's Ctrl-C reaches both, and the parent decides.</summary>
    public void LeaveInterruptToParent() => _ignoreInterrupt = true;

    /// <summary>The program is asked to finish for another reason than a signal.</summary>
    public void Request() => _polite.Cancel();

    /// <summary>Ends with the first interrupt.</summary>
    public async Task WaitAsync()
    {
        TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CancellationTokenRegistration registration = _polite.Token.Register(asked.SetResult);
        await asked.Task;
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
        _polite.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (context.Signal == PosixSignal.SIGINT && (_ignoreInterrupt || Handler?.Invoke() == true))
            return;
        int count;
        lock (_lock)
        {
            if (_count == 1 && context.Signal != PosixSignal.SIGINT && time.GetElapsedTime(_firstAt) < SameRequest)
                return;
            count = ++_count;
            if (count == 1)
                _firstAt = time.GetTimestamp();
        }

        if (count == 1)
        {
            _polite.Cancel();
            return;
        }

        Environment.Exit(ExitCode.Interrupted);
    }
}
