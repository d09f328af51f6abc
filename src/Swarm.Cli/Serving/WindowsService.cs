using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Swarm.Cli.Serving;

/// <summary>
/// Speaks with Windows' service control manager where it has started the process: reports starting, running, stopping and stopped, and passes its wish to stop on.
/// </summary>
[SupportedOSPlatform("windows")]
internal sealed class WindowsService : IDisposable
{
    private const int OwnProcess = 0x10;
    private const int Stopped = 1;
    private const int StartPending = 2;
    private const int StopPending = 3;
    private const int Running = 4;
    private const int AcceptStop = 1;
    private const int AcceptShutdown = 4;
    private const int ControlStop = 1;
    private const int ControlInterrogate = 4;
    private const int ControlShutdown = 5;
    private const int NotImplemented = 120;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Action _stop;
    private readonly int _waitHint;
    private readonly ServiceMain _main;
    private readonly ControlHandler _handler;
    private readonly ManualResetEventSlim _begun = new();
    private readonly ManualResetEventSlim _ended = new();
    private readonly Lock _lock = new();
    private nint _status;
    private int _state;
    private int _checkPoint;

    private WindowsService(Action stop, TimeSpan drain)
    {
        _stop = stop;
        _waitHint = (int)Math.Min(int.MaxValue, (drain + Patience).TotalMilliseconds);
        _main = Main;
        _handler = OnControl;
    }

    private delegate void ServiceMain(int count, nint arguments);

    private delegate int ControlHandler(int control, int type, nint data, nint context);

    /// <summary>Registers with the manager; null when the process is no service.</summary>
    /// <param name="stop">Called when the service shall stop.</param>
    /// <param name="drain">How long stopping may take.</param>
    public static WindowsService? TryStart(Action stop, TimeSpan drain)
    {
        // Services have no desktop; asking the manager from a console would only tell the same, later.
        if (Environment.UserInteractive)
            return null;
        WindowsService service = new(stop, drain);

        // The dispatcher holds its thread until the service has stopped, or returns at once when no manager waits for it.
        Thread dispatcher = new(service.Dispatch) { IsBackground = true, Name = "service control" };
        dispatcher.Start();
        service._begun.Wait(Patience);
        if (service._status != 0)
            return service;
        service.Dispose();
        return null;
    }

    /// <summary>The node serves.</summary>
    public void Ready() => Report(Running);

    /// <summary>The node has begun to stop.</summary>
    public void Stopping() => Report(StopPending);

    /// <summary>The process ends now.</summary>
    public void Dispose()
    {
        if (_status != 0)
            Report(Stopped);
        _ended.Set();
    }

    private void Dispatch()
    {
        ServiceEntry[] table = [new() { Name = "swarm", Main = Marshal.GetFunctionPointerForDelegate(_main) }, default];
        _ = StartServiceCtrlDispatcherW(table);
        _begun.Set();
    }

    private void Main(int count, nint arguments)
    {
        _status = RegisterServiceCtrlHandlerExW("swarm", Marshal.GetFunctionPointerForDelegate(_handler), 0);
        if (_status != 0)
            Report(StartPending);
        _begun.Set();
        _ended.Wait();
    }

    private int OnControl(int control, int type, nint data, nint context)
    {
        switch (control)
        {
            case ControlStop or ControlShutdown:
                Report(StopPending);
                _stop();
                return 0;
            case ControlInterrogate:
                return 0;
            default:
                return NotImplemented;
        }
    }

    private void Report(int state)
    {
        lock (_lock)
        {
            // A service that stops does not run again, whatever comes late.
            if (_status == 0 || _state == Stopped || (_state == StopPending && state == Running))
                return;
            _state = state;
            bool pending = state is StartPending or StopPending;
            ServiceStatus status = new()
            {
                Type = OwnProcess,
                State = state,
                Accepted = state is Running or StartPending ? AcceptStop | AcceptShutdown : 0,
                CheckPoint = pending ? ++_checkPoint : 0,
                WaitHint = pending ? _waitHint : 0,
            };
            _ = SetServiceStatus(_status, ref status);
        }
    }

    [DllImport("advapi32.dll", ExactSpelling = true, CharSet = CharSet.Unicode)]
    private static extern int StartServiceCtrlDispatcherW([In] ServiceEntry[] table);

    [DllImport("advapi32.dll", ExactSpelling = true, CharSet = CharSet.Unicode)]
    private static extern nint RegisterServiceCtrlHandlerExW(string name, nint handler, nint context);

    [DllImport("advapi32.dll", ExactSpelling = true)]
    private static extern int SetServiceStatus(nint service, ref ServiceStatus status);

    [StructLayout(LayoutKind.Sequential, CharSet = CharSet.Unicode)]
    private struct ServiceEntry
    {
        [MarshalAs(UnmanagedType.LPWStr)]
        public string? Name;
        public nint Main;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ServiceStatus
    {
        public int Type;
        public int State;
        public int Accepted;
        public int ExitCode;
        public int ServiceExitCode;
        public int CheckPoint;
        public int WaitHint;
    }
}
