namespace Swarm.Models.Templates;

/// <summary>Why a template did not render. The names follow Python's, which template authors know.</summary>
public enum TemplateErrorKind
{
    /// <summary>The template itself called <c>raise_exception</c>; the message is the template's own.</summary>
    RaiseException,

    /// <summary>Something was done with a name, attribute or item that does not exist.</summary>
    UndefinedError,

    /// <summary>An operation on values of types it does not take.</summary>
    TypeError,

    /// <summary>A value of the right type that the operation does not take.</summary>
    ValueError,

    /// <summary>Division by zero, or a number beyond what can be represented.</summary>
    ArithmeticError,

    /// <summary>An attribute that the sandbox does not give out: names with a leading underscore, methods that modify a list or a mapping.</summary>
    SecurityError,

    /// <summary>A filter or test that does not exist was reached, or an assignment to something that is not a namespace.</summary>
    RuntimeError,

    /// <summary>More steps, output, depth or elements than <see cref="TemplateLimits"/> allows.</summary>
    LimitExceeded,

    /// <summary>The input is not what a conversation looks like (a message without text to continue, text that is not valid Unicode).</summary>
    InvalidInput,
}
