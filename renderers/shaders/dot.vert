// Round dots on screen, each of its own size.

uniform mat4 u_view;
uniform mat4 u_clip;
uniform float u_scale;      // pixels of this target in one nominal pixel

attribute vec3 a_position;
attribute vec3 a_colour;
attribute float a_diameter; // nominal pixels

varying vec3 v_colour;
varying float v_diameter;

void main() {
    v_colour = clamp(a_colour, 0.0, 1.0);
    v_diameter = a_diameter * u_scale;
    // A little nearer than the line it may be on.
    gl_Position = u_clip * vec4(0.999 * (u_view * vec4(a_position, 1.0)).xyz, 1.0);
    gl_PointSize = v_diameter + 1.0;
}
