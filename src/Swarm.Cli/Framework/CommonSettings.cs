using Swarm.Kernels;
using Swarm.Protocol.Transport;

namespace Swarm.Cli.Framework;

/// <summary>Settings that several commands share: one definition, one meaning.</summary>
internal static class CommonSettings
{
    public const string DefaultModel = "smollm2-135m-instruct";

    public static readonly Setting<bool> Json = Setting<bool>.Switch("json", "one JSON object a line on stdout, for programs");

    public static readonly Setting<bool> NoColor = Setting<bool>.Switch("no-color", "no colours");

    public static readonly Setting<string?> Home =
        new("home", "DIR", "the folder that holds everything the program writes", Values.OptionalText, null);

    public static readonly Setting<string> Model =
        new("model", "M", $"a GGUF file, a folder in Hugging Face layout, a name, or org/name[:Q4_K_M] of a hub (default: in a swarm what it serves, else {DefaultModel})", Values.Text, DefaultModel);

    public static readonly Setting<WeightFormat?> Weights =
        new("weights", "q8_0|q4_0", "quantize float weights while they are loaded (default: as the files store them, or as the swarm serves them)", Values.Weights, null);

    public static readonly Setting<string?> Join =
        new("join", "INVITE", "an invite, or a file that holds one", Values.OptionalText, null);

    public static readonly Setting<PeerAddress?> Dial =
        new("dial", "HOST:PORT", "dial this address in place of the invite's", Values.Address, null);

    public static readonly Setting<int> Threads =
        new("threads", "N", "threads that compute (default: the processors)", Values.Integer(1, 1024), Environment.ProcessorCount);

    public static readonly Setting<int?> Context =
        new("context", "N", "positions a session may hold (default: the model's)", Values.OptionalInteger(1, 16 << 20), null);

    public static readonly Setting<bool> Local = Setting<bool>.Switch("local", "no swarm: the whole model in this process");

    public static readonly Setting<bool> Reference =
        Setting<bool>.Switch("reference", "the scalar float32 oracle instead of the fast kernels");

    public static readonly Setting<string> Codec =
        new("codec", "C", "how hidden states are rounded between nodes: f32 (exact, default), f16, int8, fine, medium, coarse, auto (by the links)", Values.Text, "f32");

    public static readonly Setting<bool> Public =
        Setting<bool>.Switch("public", "when this founds a swarm: anybody may use it and add nodes, no invite needed (default: private)");

    /// <summary>On every command.</summary>
    public static readonly ISetting[] Everywhere = [Json, NoColor, Home];
}
