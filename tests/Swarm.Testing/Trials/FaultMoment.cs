namespace Swarm.Testing.Trials;

/// <summary>When a trial does harm to a generation.</summary>
public enum FaultMoment
{
    /// <summary>While the prompt is computed.</summary>
    Prefill,

    /// <summary>After the first token.</summary>
    FirstStep,

    /// <summary>After a token that chance chooses.</summary>
    Midway,

    /// <summary>After the hundredth token.</summary>
    HundredthStep,

    /// <summary>One hop midway, and another of the chain at the moment when a replacement of the first opens the session.</summary>
    DuringRecovery,

    /// <summary>A hop midway, and its replacement as soon as that opens the session.</summary>
    Replacement,

    /// <summary>Two hops midway, one directly after the other.</summary>
    TwoAtOnce,
}
